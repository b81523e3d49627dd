import BinaryStarCore
import TestSupport
import Testing
import ZeroMQ

@testable import BinaryStar

/// Further sockets on a star's pump.
@Suite(.serialized, .timeLimit(.minutes(2))) struct ChannelTests {
    let folder = TemporaryFolder()

    enum Side: CaseIterable, Sendable { case bound, connected }

    /// A channel on one side of a link, and a raw socket on the other.
    private func link(
        _ star: BinaryStar, _ type: ChannelType, _ side: Side, to raw: SocketType, buffer: Int = 64,
        configure: (borrowing Socket) throws -> Void = { _ in }
    ) async throws -> (Channel, RawSocket) {
        switch side {
        case .bound:
            let channel = try await star.open(type, bind: folder.ipc("channel"), bufferedMessages: buffer)
            return (channel, try RawSocket(raw, connect: channel.boundEndpoint, configure: configure))
        case .connected:
            let socket = try RawSocket(raw, bind: folder.ipc("channel"), configure: configure)
            let channel = try await star.open(type, connect: socket.endpoint, bufferedMessages: buffer)
            #expect(channel.boundEndpoint == nil)
            return (channel, socket)
        }
    }

    private func next(_ channel: Channel) async throws -> Message {
        try await withTimeout(patience, "message") {
            for await message in channel { return message }
            throw DeadlineExceeded(what: "message, because the channel has ended")
        }
    }

    // MARK: Types

    @Test(arguments: [(ChannelType.pull, SocketType.push), (.dealer, .dealer), (.pair, .pair)], Side.allCases)
    func receiving(types: (ChannelType, SocketType), side: Side) async throws {
        try await withActiveStar { star, _ in
            let (channel, socket) = try await link(star, types.0, side, to: types.1)
            for number in 0..<500 { socket.send("\(number)", "") }
            for number in 0..<500 { #expect(try await next(channel).map(\.text) == ["\(number)", ""]) }
        }
    }

    @Test(arguments: [(ChannelType.push, SocketType.pull), (.dealer, .dealer), (.pair, .pair)], Side.allCases)
    func sending(types: (ChannelType, SocketType), side: Side) async throws {
        try await withActiveStar { star, _ in
            let (channel, socket) = try await link(star, types.0, side, to: types.1)
            for number in 0..<500 { try await channel.send(Message("\(number)")) }
            for number in 0..<500 { #expect(try await socket.next().text == "\(number)") }
        }
    }

    @Test(arguments: Side.allCases)
    func router(side: Side) async throws {
        try await withActiveStar { star, _ in
            let (channel, socket) = try await link(star, .router, side, to: .dealer)
            socket.send("hello")
            let hello = try await next(channel)
            #expect(hello.count == 2)
            try await channel.send(Message(frames: [hello[0].bytes, Array("reply".utf8)]))
            #expect(try await socket.next().map(\.text) == ["reply"])
            let error = await #expect(throws: BinaryStarError.self) {
                try await channel.send(Message(frames: ["nobody", "reply"].map(\.utf8)))
            }
            #expect(error?.code == .unsupported)
        }
    }

    @Test(arguments: Side.allCases)
    func subscribing(side: Side) async throws {
        try await withActiveStar { star, _ in
            let (channel, socket) = try await link(star, .sub(topics: ["a", "b"]), side, to: .pub)
            socket.beat("b.wanted")
            #expect(try await next(channel).text == "b.wanted")
            socket.beat(nil)
            socket.send("c.unwanted")
            socket.send("a.last")
            while true {
                let message = try await next(channel)
                #expect(message.text != "c.unwanted")
                if message.text == "a.last" { break }
            }
        }
    }

    @Test(arguments: Side.allCases)
    func publishing(side: Side) async throws {
        try await withActiveStar { star, _ in
            let (channel, socket) = try await link(star, .pub, side, to: .sub)
            // Until the subscription has arrived, what is published is lost; and a PUB channel never waits.
            let arrived = Box(false)
            let waiting = Task {
                _ = try await socket.next()
                arrived.update { $0 = true }
            }
            try await eventually("publication") {
                try await channel.send("news")
                return arrived.value
            }
            try await waiting.value
        }
    }

    @Test func requestAndReply() async throws {
        try await withActiveStar { star, _ in
            let (channel, server) = try await link(star, .dealer, .connected, to: .rep)
            try await channel.send(Message(frames: ["", "question"].map(\.utf8)))
            #expect(try await server.next().text == "question")
            server.send("answer")
            #expect(try await next(channel).map(\.text) == ["", "answer"])
        }
    }

    @Test func bothEndsAreChannels() async throws {
        let endpoints = PairEndpoints()
        let primary = try endpoints.star(.primary)
        let backup = try endpoints.star(.backup)
        try await running(primary, backup) {
            let updates = try await backup.open(.sub(), bind: folder.ipc("updates"))
            let source = try await primary.open(.pub, connect: try #require(updates.boundEndpoint))
            let heard = Box(false)
            let listening = Task {
                _ = try await next(updates)
                heard.update { $0 = true }
            }
            try await eventually("update") {
                try await source.send("state")
                return heard.value
            }
            try await listening.value
        }
    }

    @Test(arguments: [ChannelType.sub(), .pull])
    func receiversDoNotSend(type: ChannelType) async throws {
        try await withActiveStar { star, _ in
            let channel = try await star.open(type, bind: folder.ipc("channel"))
            let error = await #expect(throws: BinaryStarError.self) { try await channel.send("text") }
            #expect(error?.code == .unsupported)
            #expect(error?.message.contains("only receives") == true)
        }
    }

    // MARK: Back-pressure

    @Test("Messages that nobody takes wait in a small buffer, and when that is full, in the senders")
    func receiverHoldsItsSendersBack() async throws {
        try await withActiveStar { star, _ in
            let channel = try await star.open(.pull, bind: folder.ipc("channel"), bufferedMessages: 4)
            let endpoint = channel.boundEndpoint ?? ""
            // Sockets that hold a few messages only: libzmq's own limits are a thousand at each end.
            let source = try endpointsStar()
            let taken = Box(0)
            try await running(source) {
                let push = try await source.open(.push, connect: endpoint)
                let large = Message([UInt8](repeating: 1, count: 10_000))
                let sending = Task {
                    for _ in 0..<20_000 {
                        try await push.send(large)
                        taken.update { $0 += 1 }
                    }
                }
                // It comes to a halt, at some thousands.
                var last = -1
                try await eventually("halt") {
                    defer { last = taken.value }
                    let sent = await star.statistics.heartbeatsSent
                    try await eventually("time") { await star.statistics.heartbeatsSent > sent + 15 }
                    return taken.value == last && last > 0
                }
                #expect(taken.value < 10_000)
                var received = 0
                for await message in channel {
                    #expect(message.byteCount == 10_000)
                    received += 1
                    if received == 20_000 { break }
                }
                try await sending.value
                #expect(taken.value == 20_000)
            }
        }
    }

    private let endpoints = PairEndpoints()

    private func endpointsStar() throws -> BinaryStar { try endpoints.star(.primary) }

    @Test func sendWaitsForAReceiverAndKeepsTheOrder() async throws {
        try await withActiveStar { star, _ in
            let channel = try await star.open(.push, bind: folder.ipc("channel"))
            let sent = Box(0)
            let sending = Task {
                for number in 0..<10 {
                    try await channel.send(Message("\(number)"))
                    sent.update { $0 += 1 }
                }
            }
            let heartbeats = await star.statistics.heartbeatsSent
            try await eventually("time") { await star.statistics.heartbeatsSent > heartbeats + 5 }
            #expect(sent.value == 0)
            let receiver = try RawSocket(.pull, connect: channel.boundEndpoint)
            for number in 0..<10 { #expect(try await receiver.next().text == "\(number)") }
            try await sending.value
        }
    }

    @Test func sendThatWaitsCanBeCancelled() async throws {
        try await withActiveStar { star, _ in
            let channel = try await star.open(.push, bind: folder.ipc("channel"))
            let sends = (0..<10).map { number in Task { try await channel.send(Message("\(number)")) } }
            let heartbeats = await star.statistics.heartbeatsSent
            try await eventually("time") { await star.statistics.heartbeatsSent > heartbeats + 5 }
            for send in sends.dropLast() { send.cancel() }
            for send in sends.dropLast() {
                await #expect(throws: CancellationError.self) { try await withTimeout { try await send.value } }
            }
            let receiver = try RawSocket(.pull, connect: channel.boundEndpoint)
            #expect(try await receiver.next().text == "9")
            try await sends[9].value
            await #expect(throws: CancellationError.self) {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.cancelAll()
                    group.addTask { try await channel.send("late") }
                    try await group.waitForAll()
                }
            }
        }
    }

    // MARK: The end

    @Test func everythingEndsWhenTheStarStops() async throws {
        let star = try endpointsStar()
        let folder = folder
        let task = Task { try await star.run() }
        let receiving = try await star.open(.pull, bind: folder.ipc("pull"))
        let sending = try await star.open(.push, bind: folder.ipc("push"))
        let readers = (0..<3).map { _ in Task { for await _ in receiving { Issue.record("a message") } } }
        let send = Task { try await sending.send("nobody takes it") }
        try await eventually("start") { await star.statistics.heartbeatsSent > 0 }
        task.cancel()
        try await task.value
        for reader in readers { try await withTimeout { await reader.value } }
        let waiting = await #expect(throws: BinaryStarError.self) { try await send.value }
        #expect(waiting?.code == .stopped)
        let late = await #expect(throws: BinaryStarError.self) { try await sending.send("late") }
        #expect(late?.code == .stopped)
        for await _ in receiving { Issue.record("a message") }
    }

    @Test func bufferedMessagesAreStillReadAfterTheEnd() async throws {
        let star = try endpointsStar()
        let folder = folder
        let channel = try await running(star) {
            let channel = try await star.open(.pull, bind: folder.ipc("pull"))
            let push = try RawSocket(.push, connect: channel.boundEndpoint)
            for number in 0..<10 { push.send("\(number)") }
            #expect(try await next(channel).text == "0")
            // They came over one connection: with this one of its successors the others are in the buffer, too.
            #expect(try await next(channel).text == "1")
            return channel
        }
        var rest: [String] = []
        for await message in channel { rest.append(message.text ?? "") }
        #expect(rest == (2..<2 + rest.count).map(String.init))
    }

    @Test func readerThatIsCancelledEndsAndLosesNothing() async throws {
        try await withActiveStar { star, _ in
            let (channel, socket) = try await link(star, .pull, .bound, to: .push)
            let reader = Task { () -> Int in
                var count = 0
                for await _ in channel { count += 1 }
                return count
            }
            reader.cancel()
            #expect(try await withTimeout { await reader.value } == 0)
            socket.send("text")
            #expect(try await next(channel).text == "text")
        }
    }

    @Test("Each message goes to one of those who iterate")
    func readersShareTheMessages() async throws {
        try await withActiveStar { star, _ in
            let (channel, socket) = try await link(star, .pull, .bound, to: .push, buffer: 8)
            let seen = Box<[String: Int]>([:])
            let readers = (0..<5).map { _ in
                Task { for await message in channel { seen.update { $0[message.text ?? "", default: 0] += 1 } } }
            }
            for number in 0..<2_000 { socket.send("\(number)") }
            try await eventually("all messages") { seen.value.count == 2_000 }
            #expect(seen.value.values.allSatisfy { $0 == 1 })
            for reader in readers { reader.cancel() }
            for reader in readers { await reader.value }
        }
    }

    @Test("The socket closes when the channel is let go")
    func channelThatIsLetGo() async throws {
        try await withActiveStar { star, _ in
            var channel: Channel? = try await star.open(.pull, bind: "tcp://127.0.0.1:*")
            let endpoint = try #require(channel?.boundEndpoint)
            let refused = await #expect(throws: BinaryStarError.self) { _ = try await star.open(.pull, bind: endpoint) }
            #expect(refused?.code == .endpointUnavailable)
            channel = nil
            try await eventually("free endpoint") { (try? await star.open(.pull, bind: endpoint)) != nil }
        }
    }
}
