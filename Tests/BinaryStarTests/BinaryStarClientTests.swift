import BinaryStar
import TestSupport
import Testing
import ZeroMQ

@Suite(.serialized) struct BinaryStarClientTests {
    private let folder = TemporaryFolder()

    /// Patient, unless the test is about turning to the other server: then a busy machine may make the client turn more often
    /// than it would, and the servers of the test answer whatever comes.
    private func configuration(
        _ envelope: BinaryStarClientConfiguration.Envelope = .header,
        attemptTimeout: Duration = patience
    ) -> BinaryStarClientConfiguration {
        BinaryStarClientConfiguration(
            primary: folder.ipc("primary"), backup: folder.ipc("backup"), requestTimeout: patience,
            attemptTimeout: attemptTimeout, settleDelay: .milliseconds(50), envelope: envelope)
    }

    private static let impatience = Duration.milliseconds(200)

    /// Returns every message to who sent it, until the task is cancelled.
    private func echoing(_ server: RawSocket) -> Task<Void, any Error> {
        Task { while true { server.send(try await server.next()) } }
    }

    /// A service that knows nothing of headers and keeps the envelope.
    private func router(_ name: String) throws -> RawSocket { try RawSocket(.router, bind: folder.ipc(name)) }

    /// The reply of an echo service to a request that came to a ROUTER.
    private func echo(_ message: Message, body: String? = nil) -> Message {
        guard let body else { return message }
        return Message(frames: message.dropLast().map(\.bytes) + [Array(body.utf8)])
    }

    @Test(arguments: [BinaryStarClientConfiguration.Envelope.header, .plain])
    func aRequestGetsItsReply(_ envelope: BinaryStarClientConfiguration.Envelope) async throws {
        let server = try router("primary")
        let client = try BinaryStarClient(configuration: configuration(envelope))
        async let reply = client.request("hello")
        let request = try await server.next()
        // Identity, header if there is one, delimiter, body.
        #expect(request.count == (envelope == .header ? 4 : 3))
        #expect(request[request.count - 2].isEmpty)
        server.send(echo(request, body: "world"))
        let received = try await reply
        #expect(received.text == "world")
        #expect(received.body[0].text == "world")
        #expect(received.server == .primary)
        #expect(received.attempts == 1)
        await client.close()
    }

    @Test func repliesInAnyOrderFindTheirRequests() async throws {
        let server = try router("primary")
        let client = try BinaryStarClient(configuration: configuration())
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<50 {
                group.addTask {
                    let reply = try await client.request(Message("\(number)"))
                    #expect(reply.text == "\(number)")
                }
            }
            var requests: [Message] = []
            while requests.count < 50 { requests.append(try await server.next()) }
            for request in requests.reversed() { server.send(request) }
            try await group.waitForAll()
        }
    }

    @Test func aSilentServerIsLeftForTheOtherOneWithEveryRequest() async throws {
        let primary = try router("primary")
        let backup = try router("backup")
        let client = try BinaryStarClient(configuration: configuration(attemptTimeout: Self.impatience))
        let echoing = echoing(backup)
        defer { echoing.cancel() }
        try await withThrowingTaskGroup(of: BinaryStarClient.Reply.self) { group in
            for number in 0..<20 { group.addTask { try await client.request(Message("\(number)")) } }
            for try await reply in group {
                #expect(reply.server == .backup)
                #expect(reply.attempts >= 2)
            }
        }
        #expect(try await client.request("more").server == .backup)
        await primary.close()
    }

    @Test func whenBothHaveBeenSilentItComesBackToThePrimary() async throws {
        let backup = try router("backup")
        let client = try BinaryStarClient(configuration: configuration(attemptTimeout: Self.impatience))
        async let reply = client.request("x")
        _ = try await backup.next()
        let echoing = echoing(try router("primary"))
        defer { echoing.cancel() }
        let received = try await reply
        #expect(received.server == .primary)
        #expect(received.attempts >= 2)
    }

    @Test(
        "Time in which the server owes no reply is no silence of its",
        arguments: [BinaryStarClientConfiguration.Envelope.header, .plain])
    func pauseBetweenRequests(_ envelope: BinaryStarClientConfiguration.Envelope) async throws {
        let echoing = echoing(try router("primary"))
        defer { echoing.cancel() }
        let client = try BinaryStarClient(configuration: configuration(envelope, attemptTimeout: .seconds(1)))
        for _ in 0..<3 {
            let reply = try await client.request("x")
            #expect(reply.server == .primary)
            #expect(reply.attempts == 1)
            try await Task.sleep(for: .seconds(1.1))
        }
        await client.close()
    }

    @Test func aCancelledRequestAndAPauseAreNoSilence() async throws {
        let server = try router("primary")
        let client = try BinaryStarClient(configuration: configuration(.plain, attemptTimeout: Self.impatience))
        let cancelled = Task { try await client.request("cancelled") }
        _ = try await server.next()
        cancelled.cancel()
        _ = await cancelled.result
        try await Task.sleep(for: Self.impatience * 2)
        let echoing = echoing(server)
        defer { echoing.cancel() }
        #expect(try await client.request("x").server == .primary)
        await client.close()
    }

    @Test func aRequestThatTheServerDroppedIsSentAgainWhileItAnswersOthers() async throws {
        let server = try router("primary")
        let client = try BinaryStarClient(configuration: configuration(attemptTimeout: .seconds(2)))
        async let dropped = client.request("dropped")
        _ = try await server.next { $0.last?.text == "dropped" }
        let echoing = echoing(server)
        defer { echoing.cancel() }
        let others = Task {
            while !Task.isCancelled { _ = try await client.request("other") }
        }
        let reply = try await dropped
        #expect(reply.server == .primary)
        #expect(reply.attempts == 2)
        others.cancel()
        await client.close()
    }

    @Test func garbageAndForeignRepliesAreIgnored() async throws {
        let server = try router("primary")
        let client = try BinaryStarClient(configuration: configuration())
        async let reply = client.request("x")
        let request = try await server.next()
        let identity = request[0].bytes
        let header = request[1].bytes
        var foreign = header
        foreign[7] ^= 0xFF
        var future = header
        future[19] &+= 1
        let none: [UInt8] = []
        for garbage: [[UInt8]] in [
            [[]], [[1]], [header], [header, [1]], [none, none, [1]], [foreign, none, [1]], [future, none, [1]],
            [Array(repeating: 7, count: 30), none],
        ] {
            server.send(Message(frames: [identity] + garbage))
        }
        server.send(request)
        // Twice: the second one is for nobody.
        server.send(Message(frames: [identity, header, none, Array("late".utf8)]))
        #expect(try await reply.text == "x")
        async let next = client.request("y")
        server.send(try await server.next())
        #expect(try await next.text == "y")
    }

    @Test func aRequestFailsAtItsDeadline() async throws {
        let client = try BinaryStarClient(configuration: configuration())
        let start = ContinuousClock.now
        let error = await #expect(throws: BinaryStarClientError.self) {
            try await client.request("x", timeout: .milliseconds(100))
        }
        #expect(error?.code == .timedOut)
        #expect(error?.message.contains("0.1 seconds") == true)
        #expect(ContinuousClock.now - start >= .milliseconds(100))
    }

    @Test(arguments: [BinaryStarClientConfiguration.Envelope.header, .plain])
    func aCancelledRequestFailsAtOnceAndDisturbsNoOther(_ envelope: BinaryStarClientConfiguration.Envelope) async throws
    {
        let server = try router("primary")
        let client = try BinaryStarClient(configuration: configuration(envelope))
        let cancelled = Task { try await client.request("cancelled") }
        let request = try await server.next()
        cancelled.cancel()
        await #expect(throws: CancellationError.self) { try await cancelled.value }
        // Its reply comes late, and must not be taken for that of the next request.
        async let next = client.request("next")
        server.send(echo(request, body: "late"))
        let second = try await server.next { $0.last?.text == "next" }
        server.send(second)
        #expect(try await next.text == "next")
    }

    @Test func aTaskThatIsCancelledBeforeItAsksFails() async throws {
        let client = try BinaryStarClient(configuration: configuration())
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await client.request("x")
        }
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test func closingFailsWhatWaitsAndWhatComesLater() async throws {
        let server = try router("primary")
        let client = try BinaryStarClient(configuration: configuration())
        let waiting = Task { try await client.request("x") }
        _ = try await server.next()
        await client.close()
        for request in [waiting, Task { try await client.request("y") }] {
            let error = await #expect(throws: BinaryStarClientError.self) { try await request.value }
            #expect(error?.code == .closed)
        }
    }

    @Test func inPlainModeOneRequestGoesAtATimeAsFromAREQSocket() async throws {
        let server = try RawSocket(.rep, bind: folder.ipc("primary"))
        let client = try BinaryStarClient(configuration: configuration(.plain))
        let served = Task {
            for _ in 0..<20 { server.send(try await server.next()) }
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<20 {
                group.addTask {
                    let reply = try await client.request(Message("\(number)"))
                    #expect(reply.text == "\(number)")
                }
            }
            try await group.waitForAll()
        }
        try await served.value
    }

    @Test func aREPServiceKeepsTheHeader() async throws {
        let server = try RawSocket(.rep, bind: folder.ipc("primary"))
        let client = try BinaryStarClient(configuration: configuration())
        let served = Task { server.send(try await server.next()) }
        #expect(try await client.request("x").text == "x")
        try await served.value
    }

    @Test func tenThousandRequestsInFlightAllGetTheirReplies() async throws {
        let pair = PairEndpoints()
        let star = try pair.star(.primary)
        try await star.addVoter(.router, bind: folder.ipc("primary")) { $0.body }
        let running = Task { try await star.run() }
        var configuration = configuration()
        configuration.attemptTimeout = patience
        let client = try BinaryStarClient(configuration: configuration)
        // The first vote promotes the star.
        try await eventually("active") {
            _ = try? await client.request("vote", timeout: .milliseconds(50))
            return await star.role == .active
        }
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<10_000 {
                group.addTask { try await client.request(Message("\(number)")).text == "\(number)" }
            }
            for try await isRight in group { #expect(isRight) }
        }
        running.cancel()
        try await running.value
    }

    @Test func aClientFollowsAPairThroughAFailover() async throws {
        let pair = PairEndpoints()
        let primary = try pair.star(.primary)
        let backup = try pair.star(.backup)
        try await primary.addVoter(.router, bind: folder.ipc("primary")) { _ in "primary" }
        try await backup.addVoter(.router, bind: folder.ipc("backup")) { _ in "backup" }
        let running = [primary, backup].map { star in Task { try await star.run() } }
        let client = try BinaryStarClient(configuration: configuration(attemptTimeout: .milliseconds(500)))
        for await role in primary.roles where role == .active { break }
        for await role in backup.roles where role == .passive { break }
        #expect(try await client.request("x").text == "primary")
        running[0].cancel()
        try await running[0].value
        let reply = try await client.request("x")
        #expect(reply.text == "backup")
        #expect(reply.server == .backup)
        running[1].cancel()
        try await running[1].value
    }

    @Test func aWrongConfigurationNamesTheField() throws {
        func message(_ change: (inout BinaryStarClientConfiguration) -> Void) -> String {
            var configuration = configuration()
            change(&configuration)
            do {
                _ = try BinaryStarClient(configuration: configuration)
                return "no error"
            } catch {
                return error.message
            }
        }
        #expect(message { $0.primary = "nonsense" }.hasPrefix("primary is \"nonsense\""))
        #expect(message { $0.backup = "tcp://*:5001" }.hasPrefix("backup is \"tcp://*:5001\""))
        #expect(message { $0.backup = $0.primary }.hasPrefix("backup is"))
        #expect(message { $0.requestTimeout = .zero }.hasPrefix("requestTimeout is"))
        #expect(message { $0.attemptTimeout = .seconds(-1) }.hasPrefix("attemptTimeout is"))
        #expect(message { $0.attemptTimeout = .seconds(86_401) }.contains("at most one day"))
        #expect(message { $0.settleDelay = .seconds(86_401) }.contains("at most one day"))
        #expect(message { $0.settleDelay = .seconds(-1) }.hasPrefix("settleDelay is"))
    }
}
