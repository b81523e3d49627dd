import Dispatch
import TestSupport
import Testing

@testable import BinaryStar

@Suite(.serialized, .timeLimit(.minutes(1))) struct BroadcastTests {
    private func all<Element: Sendable>(_ stream: AsyncStream<Element>) async -> [Element] {
        var elements: [Element] = []
        for await element in stream { elements.append(element) }
        return elements
    }

    @Test("A new subscriber gets the latest value first")
    func presentValueFirst() async {
        let broadcast = Broadcast(initial: 0)
        let early = broadcast.subscribe()
        broadcast.send(1)
        broadcast.send(2)
        let late = broadcast.subscribe()
        broadcast.send(3)
        broadcast.finish()
        #expect(await all(early) == [0, 1, 2, 3])
        #expect(await all(late) == [2, 3])
        #expect(await all(broadcast.subscribe()) == [3])
    }

    @Test func withoutAPresentValue() async {
        let broadcast = Broadcast<Int>()
        let early = broadcast.subscribe()
        broadcast.send(1)
        let late = broadcast.subscribe()
        broadcast.send(2)
        broadcast.finish()
        #expect(await all(early) == [1, 2])
        #expect(await all(late) == [2])
        #expect(await all(broadcast.subscribe()) == [])
    }

    @Test func nothingAfterTheEnd() async {
        let broadcast = Broadcast(initial: 0)
        let subscriber = broadcast.subscribe()
        broadcast.finish()
        broadcast.send(1)
        broadcast.finish()
        #expect(await all(subscriber) == [0])
        #expect(await all(broadcast.subscribe()) == [0])
    }

    @Test("Each gets every value, in order, however slow it is")
    func manySubscribersSeeOneOrder() async {
        let broadcast = Broadcast(initial: -1)
        let streams = (0..<20).map { _ in broadcast.subscribe() }
        await withTaskGroup(of: Void.self) { group in
            for sender in 0..<8 {
                group.addTask { for number in 0..<500 { broadcast.send(sender * 1_000 + number) } }
            }
        }
        broadcast.finish()
        let first = await all(streams[0])
        #expect(first.count == 4_001)
        for stream in streams.dropFirst() { #expect(await all(stream) == first) }
    }

    @Test func subscriberThatLeavesHurtsNobody() async {
        let broadcast = Broadcast(initial: 0)
        let stays = broadcast.subscribe()
        do {
            var leaving = broadcast.subscribe().makeAsyncIterator()
            #expect(await leaving.next() == 0)
        }
        let cancelled = Task { [stream = broadcast.subscribe()] in await all(stream).count }
        cancelled.cancel()
        _ = await cancelled.value
        broadcast.send(1)
        broadcast.finish()
        #expect(await all(stays) == [0, 1])
    }

    @Test("A subscriber's task may be cancelled while a value is on its way to it")
    func cancelledWhileAValueIsSent() async {
        let broadcast = Broadcast<Int>()
        let isOver = Box(false)
        let sender = DispatchQueue(label: "sender")
        sender.async { while !isOver.value { broadcast.send(1) } }
        // It fails within a few thousand.
        let end = ContinuousClock.now + .seconds(2)
        while ContinuousClock.now < end {
            let waiting = Task { [stream = broadcast.subscribe(bufferingNewest: 1)] in for await _ in stream {} }
            await Task.yield()
            waiting.cancel()
            await waiting.value
        }
        isOver.update { $0 = true }
        broadcast.finish()
    }

    @Test func endOfTheSourceLetsSubscribersKeepWhatTheyHave() async {
        var broadcast: Broadcast<Int>? = Broadcast(initial: 0)
        let stream = broadcast?.subscribe()
        broadcast?.send(1)
        broadcast?.finish()
        broadcast = nil
        if let stream { #expect(await all(stream) == [0, 1]) }
    }
}
