import CZeroMQ
import TestSupport
import Testing

@testable import ZeroMQ

@Suite struct PollSetTests {
    let context: Context

    init() throws {
        context = try Context()
    }

    @Test func readableAndWritable() throws {
        let left = try Socket(.pair, in: context)
        try left.bind("inproc://poll")
        let right = try Socket(.pair, in: context)
        try right.connect("inproc://poll")
        var pollSet = PollSet()
        pollSet.append(left, events: .readable)
        pollSet.append(right, events: [.readable, .writable])
        #expect(try pollSet.wait(milliseconds: 1_000) == 1)
        #expect(pollSet.ready(at: 0) == [])
        #expect(pollSet.ready(at: 1) == .writable)
        try right.deliver("text")
        #expect(try pollSet.wait(milliseconds: 1_000) == 2)
        #expect(pollSet.ready(at: 0) == .readable)
        #expect(pollSet.ready(at: 1) == .writable)
        pollSet.swapRemove(at: 1)
        _ = try left.next()
        #expect(try pollSet.wait(milliseconds: 0) == 0)
        #expect(pollSet.ready(at: 0) == [])
    }

    @Test func descriptor() throws {
        var descriptors: [Int32] = [-1, -1]
        #expect(czmq_wake_open(&descriptors) == 0)
        defer { czmq_wake_close(descriptors) }
        var pollSet = PollSet()
        pollSet.append(descriptor: descriptors[0], events: .readable)
        #expect(try pollSet.wait(milliseconds: 0) == 0)
        czmq_wake_signal(descriptors[1])
        czmq_wake_signal(descriptors[1])
        #expect(try pollSet.wait(milliseconds: 1_000) == 1)
        #expect(pollSet.ready(at: 0) == .readable)
        czmq_wake_drain(descriptors[0])
        #expect(try pollSet.wait(milliseconds: 0) == 0)
        #expect(pollSet.ready(at: 0) == [])
    }

    @Test func descriptorsBesideASocketAndWithoutIt() throws {
        let sockets = try PullAndPush(0, in: context)
        var descriptors: [Int32] = [-1, -1]
        #expect(czmq_wake_open(&descriptors) == 0)
        defer { czmq_wake_close(descriptors) }
        var pollSet = PollSet()
        pollSet.append(sockets.pull, events: .readable)
        pollSet.append(descriptor: descriptors[0], events: .readable)
        czmq_wake_signal(descriptors[1])
        #expect(try pollSet.wait(milliseconds: 1_000) == 1)
        #expect(pollSet.ready(at: 0) == [])
        #expect(pollSet.ready(at: 1) == .readable)
        // From here on there is no socket among them.
        pollSet.swapRemove(at: 0)
        #expect(try pollSet.wait(milliseconds: 1_000) == 1)
        #expect(pollSet.ready(at: 0) == .readable)
    }

    @Test func lastEntryTakesTheRemovedOnesPlace() throws {
        let sockets = try (0..<3).map { try PullAndPush($0, in: context) }
        var pollSet = PollSet()
        for socket in sockets { pollSet.append(socket.pull, events: .readable) }
        #expect(pollSet.count == 3)
        pollSet.swapRemove(at: 0)
        #expect(pollSet.count == 2)
        try sockets[2].push.deliver("text")
        #expect(try pollSet.wait(milliseconds: 1_000) == 1)
        #expect(pollSet.ready(at: 0) == .readable)
        #expect(pollSet.ready(at: 1) == [])
        pollSet.swapRemove(at: 1)
        pollSet.swapRemove(at: 0)
        #expect(pollSet.count == 0)
    }

    private final class PullAndPush {
        let pull: Socket
        let push: Socket

        init(_ number: Int, in context: Context) throws {
            pull = try Socket(.pull, in: context)
            try pull.bind("inproc://\(number)")
            push = try Socket(.push, in: context)
            try push.connect("inproc://\(number)")
        }
    }

    @Test func emptySetOnlyWaits() throws {
        var pollSet = PollSet()
        #expect(try pollSet.wait(milliseconds: 1) == 0)
    }

    @Test("However many are ready, one wait tells of each: none of them comes after what is done between two waits")
    func allAtOnce() throws {
        var descriptors = [[Int32]](repeating: [-1, -1], count: 200)
        var pollSet = PollSet()
        for index in descriptors.indices {
            #expect(czmq_wake_open(&descriptors[index]) == 0)
            pollSet.append(descriptor: descriptors[index][0], events: .readable)
            czmq_wake_signal(descriptors[index][1])
        }
        defer { for descriptor in descriptors { czmq_wake_close(descriptor) } }
        #expect(try pollSet.wait(milliseconds: 1_000) == descriptors.count)
        #expect(descriptors.indices.allSatisfy { pollSet.ready(at: $0) == .readable })
    }

    @Test(
        "Of many descriptors those that are ready are told, whatever was taken out and put in, and sockets among them")
    func manyDescriptors() throws {
        struct Watched {
            var descriptor: [Int32] = [-1, -1]
            var isSignalled = false
        }
        var generator = SeededGenerator(seed: .fromEnvironmentOrRandom())
        let sockets = try PullAndPush(0, in: context)
        var pollSet = PollSet()
        var watched: [Watched?] = []
        var socket: Int?
        defer { for case let one? in watched { czmq_wake_close(one.descriptor) } }
        for step in 0..<4_000 {
            switch Int.random(in: 0..<100, using: &generator) {
            case ..<(watched.count < 150 ? 45 : 20):
                var one = Watched()
                #expect(czmq_wake_open(&one.descriptor) == 0)
                pollSet.append(descriptor: one.descriptor[0], events: .readable)
                watched.append(one)
            case ..<50 where !watched.isEmpty:
                let index = Int.random(in: watched.indices, using: &generator)
                pollSet.swapRemove(at: index)
                watched.swapAt(index, watched.count - 1)
                if let one = watched.removeLast() { czmq_wake_close(one.descriptor) }
                if socket == index { socket = nil } else if socket == watched.count { socket = index }
            case ..<52 where socket == nil:
                pollSet.append(sockets.pull, events: .readable)
                socket = watched.count
                watched.append(nil)
            case ..<75 where !watched.isEmpty:
                let index = Int.random(in: watched.indices, using: &generator)
                if let one = watched[index] { czmq_wake_signal(one.descriptor[1]) }
                watched[index]?.isSignalled = true
            default:
                // As a pump does: what was found is served, all of it in the end.
                var isToldOf = Set<Int>()
                var waits = 0
                while try pollSet.wait(milliseconds: 0) > 0 {
                    waits += 1
                    try #require(waits < 100, "step \(step): what is ready is not told")
                    for index in watched.indices where !pollSet.ready(at: index).isEmpty {
                        isToldOf.insert(index)
                        if let one = watched[index] { czmq_wake_drain(one.descriptor[0]) }
                    }
                }
                let expected = watched.indices.filter { watched[$0]?.isSignalled == true }
                #expect(isToldOf == Set(expected), "step \(step)")
                #expect(watched.indices.allSatisfy { pollSet.ready(at: $0).isEmpty })
                for index in expected { watched[index]?.isSignalled = false }
            }
        }
    }
}
