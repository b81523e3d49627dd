import BinaryStarCore
import TestSupport
import Testing
import ZeroMQ

@testable import BinaryStar

/// Clients on raw sockets, and the voters that serve them.
@Suite(.serialized, .timeLimit(.minutes(2))) struct VoterTests {
    let folder = TemporaryFolder()

    private struct Failure: Error {}

    /// Adds an echo voter in both ways of handling.
    private func addEcho(
        _ star: BinaryStar, _ type: VoterType, inline: Bool, _ name: String = "voter",
        limits: VoterLimits = VoterLimits()
    ) async throws -> String {
        inline
            ? try await star.addInlineVoter(type, bind: folder.ipc(name), limits: limits, handler: { $0.body })
            : try await star.addVoter(type, bind: folder.ipc(name), limits: limits) { $0.body }
    }

    // MARK: Types

    @Test(arguments: [VoterType.router, .rep], [true, false])
    func reqAndDealerClients(type: VoterType, inline: Bool) async throws {
        try await withActiveStar { star, _ in
            let endpoint = try await addEcho(star, type, inline: inline)
            let req = try RawSocket(.req, connect: endpoint)
            for number in 0..<20 {
                req.send("\(number)", "second frame")
                #expect(try await req.next().map(\.text) == ["\(number)", "second frame"])
            }
            let dealer = try RawSocket(.dealer, connect: endpoint)
            for number in 0..<20 { dealer.send("header", "", "\(number)") }
            // What the client puts before the delimiter comes back as it went out.
            var replies: Set<String> = []
            for _ in 0..<20 {
                let reply = try await dealer.next()
                #expect(reply.map(\.text).prefix(2) == ["header", ""])
                replies.insert(reply.last?.text ?? "")
            }
            #expect(replies == Set((0..<20).map(String.init)))
            // Counted when the pass over the socket is finished.
            try await eventually("count") { await star.statistics.repliesSent == 40 }
            #expect(await star.statistics.requestsAdmitted == 40)
        }
    }

    @Test func repIsOneAtATimeInTheOrderOfArrival() async throws {
        try await withActiveStar { star, _ in
            let running = Box((now: 0, most: 0))
            let endpoint = try await star.addVoter(.rep, bind: folder.ipc("rep")) { request in
                running.update {
                    $0.now += 1
                    $0.most = max($0.most, $0.now)
                }
                await Task.yield()
                running.update { $0.now -= 1 }
                return request.body
            }
            let client = try RawSocket(.dealer, connect: endpoint)
            for number in 0..<100 { client.send("", "\(number)") }
            for number in 0..<100 { #expect(try await client.next().last?.text == "\(number)") }
            #expect(running.value.most == 1)
        }
    }

    @Test("A request that must not be answered does not jam REP")
    func repServesTheNextAfterARefusal() async throws {
        let endpoints = PairEndpoints()
        let star = try endpoints.star(.backup)
        let endpoint = try await addEcho(star, .rep, inline: false)
        let peer = try endpoints.peer(of: .backup)
        peer.beat(.active)
        try await running(star) {
            try await star.becomes(.passive)
            let refused = try RawSocket(.req, connect: endpoint)
            refused.send("refused")
            try await eventually("refusal") { await star.statistics.requestsRefused == 1 }
            peer.beat(.backup)
            try await star.becomes(.active)
            let next = try RawSocket(.req, connect: endpoint)
            next.send("served")
            #expect(try await next.next().text == "served")
        }
    }

    @Test(arguments: [true, false])
    func pullHasNoReplies(inline: Bool) async throws {
        try await withActiveStar { star, _ in
            let (handled, continuation) = AsyncStream.makeStream(of: String.self)
            let handler: @Sendable (Request) -> Message? = { request in
                continuation.yield(request.text ?? "")
                return request.body
            }
            let endpoint =
                inline
                ? try await star.addInlineVoter(.pull, bind: folder.ipc("pull"), handler: handler)
                : try await star.addVoter(.pull, bind: folder.ipc("pull")) { handler($0) }
            let push = try RawSocket(.push, connect: endpoint)
            push.send("one")
            push.send("", "two")
            let messages = try await withTimeout {
                var messages: Set<String> = []
                for await message in handled where messages.insert(message).inserted && messages.count == 2 { break }
                return messages
            }
            #expect(messages == ["one", ""])
            try await eventually("count") { await star.statistics.requestsAdmitted == 2 }
            #expect(await star.statistics.repliesSent == 0)
            #expect(await star.statistics.repliesDropped.isEmpty)
        }
    }

    @Test func subTakesItsTopicsOnly() async throws {
        try await withActiveStar { star, _ in
            let (handled, continuation) = AsyncStream.makeStream(of: String.self)
            let endpoint = try await star.addVoter(.sub(topics: ["a.", "b."]), bind: folder.ipc("sub")) { request in
                continuation.yield(request.text ?? "")
                return nil
            }
            let publisher = try RawSocket(.pub, connect: endpoint)
            publisher.beat("c.unwanted", every: 5)
            publisher.beat("a.wanted", every: 5)
            let first = try await withTimeout { await handled.first { _ in true } }
            #expect(first == "a.wanted")
            publisher.beat(nil)
            publisher.send("c.unwanted")
            publisher.send("b.last")
            let last = try await withTimeout { await handled.first { !$0.hasPrefix("a.") } }
            #expect(last == "b.last")
        }
    }

    @Test(arguments: [SocketType.dealer, .router, .rep])
    func dealerVoter(client type: SocketType) async throws {
        try await withActiveStar { star, _ in
            let endpoint = try await star.addVoter(.dealer, bind: folder.ipc("dealer")) {
                Message("re: \($0.text ?? "")")
            }
            let client = try RawSocket(type, connect: endpoint)
            switch type {
            case .dealer:
                client.send("", "request")
                #expect(try await client.next().map(\.text) == ["", "re: request"])
                client.send("bare")
                #expect(try await client.next().map(\.text) == ["re: bare"])
            default:
                // A ROUTER must be spoken to first, and a REP only answers: neither can begin with a DEALER.
                #expect(await star.role == .active)
            }
        }
    }

    @Test("A PULL or SUB message is a vote, too")
    func messageOfAPushSocketVotes() async throws {
        let endpoints = PairEndpoints()
        let star = try endpoints.star(.primary)
        let endpoint = try await addEcho(star, .pull, inline: false)
        try await running(star) {
            let push = try RawSocket(.push, connect: endpoint)
            push.beat("vote", every: 20)
            try await star.becomes(.active)
        }
    }

    @Test func severalVoters() async throws {
        try await withActiveStar { star, _ in
            var endpoints: [String] = []
            for number in 0..<6 {
                endpoints.append(
                    try await star.addVoter(.router, bind: number < 3 ? folder.ipc("\(number)") : "tcp://127.0.0.1:*") {
                        _ in
                        Message("\(number)")
                    })
            }
            #expect(Set(endpoints).count == 6)
            for (number, endpoint) in endpoints.enumerated() {
                #expect(try await RawClient(endpoint).request("who?") == "\(number)")
            }
        }
    }

    // MARK: Handlers

    @Test("A handler that throws is counted, its client gets no reply, and the star goes on", arguments: [true, false])
    func throwingHandler(inline: Bool) async throws {
        try await withActiveStar { star, _ in
            let handler: @Sendable (Request) throws -> Message? = { request in
                if request.text == "fail" { throw Failure() }
                return request.body
            }
            let endpoint =
                inline
                ? try await star.addInlineVoter(.router, bind: folder.ipc("voter"), handler: handler)
                : try await star.addVoter(.router, bind: folder.ipc("voter")) { try handler($0) }
            let client = try RawClient(endpoint)
            for _ in 0..<10 { client.socket.send("", "fail") }
            try await eventually("failures") { await star.statistics.handlersFailed == 10 }
            #expect(try await client.request("good") == "good")
            #expect(await star.statistics.requestsAdmitted == 11)
        }
    }

    @Test(arguments: [true, false])
    func noReply(inline: Bool) async throws {
        try await withActiveStar { star, _ in
            let handler: @Sendable (Request) -> Message? = { $0.text == "quiet" ? nil : $0.body }
            let endpoint =
                inline
                ? try await star.addInlineVoter(.router, bind: folder.ipc("voter"), handler: handler)
                : try await star.addVoter(.router, bind: folder.ipc("voter")) { handler($0) }
            let client = try RawClient(endpoint)
            client.socket.send("", "quiet")
            #expect(try await client.request("loud") == "loud")
        }
    }

    @Test func handlersAreCancelledAtTheStopAndHaveEndedThen() async throws {
        let ended = Box(0)
        let folder = folder
        try await withActiveStar { star, _ in
            let started = Box(0)
            let endpoint = try await star.addVoter(.router, bind: folder.ipc("voter")) { _ in
                started.update { $0 += 1 }
                try? await Task.sleep(for: .seconds(3_600))
                for _ in 0..<100 { await Task.yield() }
                ended.update { $0 += 1 }
                return nil
            }
            let client = try RawClient(endpoint)
            for _ in 0..<10 { client.socket.send("", "wait") }
            try await eventually("handlers") { started.value == 10 }
        }
        #expect(ended.value == 10)
    }

    @Test func requestsOfBeforeTheRunWait() async throws {
        let endpoints = PairEndpoints()
        let star = try endpoints.star(.primary)
        let endpoint = try await addEcho(star, .router, inline: false)
        let peer = try endpoints.peer(of: .primary)
        peer.beat(.backup)
        let client = try RawClient(endpoint)
        client.socket.beat(Message(frames: ["", "early"].map(\.utf8)), every: 20)
        try await running(star) {
            try await star.becomes(.active)
            #expect(try await client.socket.next().last?.text == "early")
        }
    }

    // MARK: What clients may send

    @Test(arguments: [true, false])
    func requestsWithoutADelimiter(inline: Bool) async throws {
        try await withActiveStar { star, _ in
            let endpoint = try await addEcho(star, .router, inline: inline)
            let client = try RawSocket(.dealer, connect: endpoint)
            client.send("bare")
            #expect(try await client.next().map(\.text) == ["bare"])
            client.send("two", "frames")
            #expect(try await client.next().map(\.text) == ["two", "frames"])
        }
    }

    @Test func repDropsRequestsWithoutADelimiter() async throws {
        try await withActiveStar { star, _ in
            let endpoint = try await addEcho(star, .rep, inline: false)
            let client = try RawClient(endpoint)
            client.socket.send("bare")
            #expect(try await client.request("good") == "good")
            #expect(await star.statistics.requestsDropped == [.noDelimiter: 1])
        }
    }

    @Test("An empty frame, an empty body, many frames, 10 MB", arguments: [true, false])
    func unusualRequests(inline: Bool) async throws {
        try await withActiveStar { star, _ in
            let endpoint = try await addEcho(star, .router, inline: inline)
            let client = try RawSocket(.dealer, connect: endpoint)
            let bodies: [[[UInt8]]] = [
                [], [[]], [[], []], [[UInt8]](repeating: [7], count: 100), [[UInt8](repeating: 7, count: 10 << 20)],
                [[UInt8](repeating: 7, count: 5 << 20), [], [UInt8](repeating: 8, count: 5 << 20)],
            ]
            for body in bodies {
                let request = Message(frames: [[]] + body)
                client.send(request)
                #expect(try await client.next() == request)
                client.send("", "next")
                #expect(try await client.next().map(\.text) == ["", "next"])
            }
        }
    }

    @Test func emptyReplies() async throws {
        try await withActiveStar { star, _ in
            let endpoint = try await star.addVoter(.router, bind: folder.ipc("voter")) { _ in Message() }
            let client = try RawSocket(.dealer, connect: endpoint)
            client.send("", "request")
            #expect(try await client.next().map(\.text) == [""])
            client.send("bare")
            #expect(try await client.next().map(\.text) == [""])
        }
    }

    @Test(arguments: [true, false])
    func moreFramesThanTheLimit(inline: Bool) async throws {
        try await withActiveStar { star, _ in
            let endpoint = try await addEcho(
                star, .router, inline: inline, limits: VoterLimits(maximumFrameCount: 10))
            let client = try RawClient(endpoint)
            // With the identity these are ten frames, and eleven.
            client.socket.send(Message(frames: [[]] + [[UInt8]](repeating: [7], count: 8)))
            #expect(try await client.socket.next().count == 9)
            for count in [9, 100, 5_000] {
                client.socket.send(Message(frames: [[]] + [[UInt8]](repeating: [7], count: count)))
                #expect(try await client.request("next") == "next")
            }
            #expect(await star.statistics.requestsDropped == [.tooManyFrames: 3])
        }
    }

    @Test func longerFrameThanTheLimitCostsTheConnection() async throws {
        try await withActiveStar { star, _ in
            let endpoint = try await addEcho(star, .router, inline: false, limits: VoterLimits(maximumFrameSize: 1_000))
            let offender = try RawClient(endpoint)
            offender.socket.send(Message(frames: [[], [UInt8](repeating: 0, count: 1_001)]))
            let client = try RawClient(endpoint)
            #expect(try await client.request("next") == "next")
            #expect(await star.statistics.requestsAdmitted == 1)
        }
    }

    @Test func replyToAClientThatIsGone() async throws {
        try await withActiveStar { star, _ in
            let started = Gate()
            let gate = Gate()
            let endpoint = try await star.addVoter(.router, bind: folder.ipc("voter")) { request in
                guard request.text == "slow" else { return request.body }
                started.open()
                await gate.pass()
                return request.body
            }
            let gone = try RawClient(endpoint)
            gone.socket.send("", "slow")
            await started.pass()
            await gone.socket.close()
            // Behind its end, as far as the server knows: a later client has been served.
            let client = try RawClient(endpoint)
            for _ in 0..<20 { _ = try await client.request("hello") }
            gate.open()
            try await eventually("drop") { await star.statistics.repliesDropped[.clientGone] == 1 }
        }
    }
}
