import BinaryStar
import BinaryStarCore
import FlyingSocks
import Logging
import ServiceLifecycle
import TestSupport
import Testing

@testable import BinaryStarHTTP

/// What a server does with clients of every kind, over real sockets.
@Suite(.serialized, .timeLimit(.minutes(2))) struct StatusServerTests {
    private let star: PosedStar

    init() throws {
        star = try PosedStar()
        star.become(.active)
    }

    @Test func itAnswersOneRequestAfterTheOtherOverOneConnection() async throws {
        try await running(star.server()) { address in
            let client = try TestSocket(address: address)
            for path in ["/active", "/passive", "/nothing"] {
                try client.send("GET \(path) HTTP/1.1\r\nHost: localhost\r\n\r\n")
                let answer = try TestAnswer(try await client.receive { $0.hasSuffix("\n") && $0.contains("\r\n\r\n") })
                #expect(answer.status == ["/active": 200, "/passive": 503][path] ?? 404)
                #expect(answer.fields["content-length"] == "\(answer.body.utf8.count)")
                #expect(answer.fields["connection"] == "keep-alive" && answer.fields["cache-control"] == "no-store")
            }
        }
    }

    @Test func requestsThatComeAtOnceOrInPiecesAreAnsweredInOrder() async throws {
        try await running(star.server()) { address in
            let client = try TestSocket(address: address)
            try client.send(
                "GET /active HTTP/1.1\r\nHost: localhost\r\n\r\nHEAD /active HTTP/1.1\r\nHost: localhost\r\n\r\nGET /nothing HTTP/1.1\r"
            )
            let first = try await client.receive { $0.components(of: "HTTP/1.1 200 OK") == 2 }
            #expect(first.components(of: "active in term 7") == 1)
            try client.send("\nHost: localhost\r\nConnection: close\r\n\r\n")
            #expect(try await client.receiveToEnd().contains("404"))
        }
    }

    @Test func whatIsNoRequestGetsAnAnswerThatSaysSo() async throws {
        try await running(star.server()) { address in
            let client = try TestSocket(address: address)
            try client.send("SSH-2.0-OpenSSH\r\n\r\n")
            let answer = try TestAnswer(try await client.receiveToEnd())
            #expect(answer.status == 400 && answer.fields["connection"] == "close")
        }
    }

    @Test("A body is not read: the answer arrives nevertheless, and the connection ends")
    func body() async throws {
        try await running(star.server()) { address in
            let client = try TestSocket(address: address)
            try client.send("POST /active HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n")
            try client.send(String(repeating: "x", count: 100_000))
            #expect(try TestAnswer(try await client.receiveToEnd()).status == 405)
        }
    }

    @Test("Header fields without an end are refused at the limit")
    func longHead() async throws {
        try await running(star.server { $0.maximumHeadSize = 512 }) { address in
            let client = try TestSocket(address: address)
            try client.send("GET / HTTP/1.1\r\nHost: localhost\r\nX: " + String(repeating: "x", count: 4_000))
            #expect(try TestAnswer(try await client.receiveToEnd()).status == 431)
            // Also if the end is there.
            let other = try TestSocket(address: address)
            try other.send("GET / HTTP/1.1\r\nHost: localhost\r\nX: \(String(repeating: "x", count: 600))\r\n\r\n")
            #expect(try TestAnswer(try await other.receiveToEnd()).status == 431)
            #expect(try await TestSocket(address: address).get("/active").status == 200)
        }
    }

    @Test("A request that does not come in time is given up, however busily its bytes trickle in")
    func slowClient() async throws {
        try await running(
            star.server {
                $0.requestTimeout = .milliseconds(300)
                $0.idleTimeout = .seconds(60)
            }
        ) { address in
            let client = try TestSocket(address: address)
            // So long that the first limit is over and the one of a connection without a request holds.
            try await Task.sleep(for: .milliseconds(600))
            let begin = ContinuousClock.now
            try client.send("GET / HTTP/1.1\r\n")
            let trickle = Task {
                while !Task.isCancelled {
                    try client.send("X: y\r\n")
                    try await Task.sleep(for: .milliseconds(20))
                }
            }
            defer { trickle.cancel() }
            #expect(try TestAnswer(try await client.receiveToEnd(evenIfReset: true)).status == 408)
            #expect(ContinuousClock.now - begin >= .milliseconds(300))
            // Not the time of a connection without a request.
            #expect(ContinuousClock.now - begin < .seconds(25))
        }
    }

    @Test("A connection without a request ends in time, without an answer")
    func idleClient() async throws {
        try await running(star.server { $0.idleTimeout = .milliseconds(200) }) { address in
            let answer = try await TestSocket(address: address).receiveToEnd()
            #expect(answer == "")
        }
    }

    /// Answers `/long` with more than the buffers of the system hold.
    private func talkative(_ limits: (inout StatusServerConfiguration) -> Void) throws -> StatusServer {
        var configuration = StatusServerConfiguration(port: 0)
        configuration.idleTimeout = .seconds(60)
        limits(&configuration)
        return try StatusServer(configuration: configuration, logger: .init(label: "test")) { request in
            .text(.ok, request.path == "/long" ? String(repeating: "x", count: 1 << 24) : "short")
        }
    }

    @Test("A client that does not take its answer is given up, also if there is room for others")
    func deafClient() async throws {
        let server = try talkative { $0.requestTimeout = .milliseconds(300) }
        try await running(server) { address in
            let client = try TestSocket(address: address)
            // So long that the limit of a connection without a request holds.
            try await Task.sleep(for: .milliseconds(600))
            let begin = ContinuousClock.now
            try client.send("GET /long HTTP/1.1\r\nHost: localhost\r\n\r\n")
            _ = try await client.receive { !$0.isEmpty }
            while await server.connectionCount > 0, ContinuousClock.now - begin < patience {
                try await Task.sleep(for: .milliseconds(10))
            }
            #expect(ContinuousClock.now - begin < .seconds(25))
            withExtendedLifetime(client) {}
        }
    }

    @Test("A client that does not take its answer makes room for others before its time is over")
    func deafClientInTheWay() async throws {
        let server = try talkative {
            $0.requestTimeout = .seconds(60)
            $0.maximumConnections = 1
        }
        try await running(server) { address in
            let client = try TestSocket(address: address)
            try client.send("GET /long HTTP/1.1\r\nHost: localhost\r\n\r\n")
            _ = try await client.receive { !$0.isEmpty }
            #expect(try await TestSocket(address: address).get("/short").body == "short\n")
            withExtendedLifetime(client) {}
        }
    }

    @Test("While all clients are being answered, the first of them that is done makes room", arguments: ["/a", "/b"])
    func crowdThatIsAnswered(_ first: String) async throws {
        let entered = ["/a": Gate(), "/b": Gate()], leave = ["/a": Gate(), "/b": Gate()]
        var configuration = StatusServerConfiguration(port: 0)
        configuration.maximumConnections = 2
        configuration.requestTimeout = .seconds(60)
        let server = try StatusServer(configuration: configuration, logger: .init(label: "test")) { request in
            entered[request.path]?.open()
            await leave[request.path]?.wait()
            return .text(.ok, request.path)
        }
        try await running(server) { address in
            let clients = try ["/a", "/b"].map { path in
                let client = try TestSocket(address: address)
                try client.send("GET \(path) HTTP/1.1\r\nHost: localhost\r\n\r\n")
                return client
            }
            for gate in entered.values { await gate.wait() }
            let third = try TestSocket(address: address)
            while await !server.awaitsRoom { try await Task.sleep(for: .milliseconds(5)) }
            leave[first]?.open()
            #expect(try await third.get("/c").body == "/c\n")
            for gate in leave.values { gate.open() }
            withExtendedLifetime(clients) {}
        }
    }

    @Test("An answer that is cut short is not sent: it could say what is not so")
    func answerCutShort() async throws {
        let entered = Gate(), never = Gate()
        let server = try StatusServer(
            configuration: .init(port: 0), logger: .init(label: "test")
        ) { _ in
            entered.open()
            await never.wait()
            return .text(.unavailable, "the star's thread does not answer")
        }
        let address = try await server.listen()
        let run = Task { try await server.run() }
        let client = try TestSocket(address: address)
        try client.send("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await entered.wait()
        run.cancel()
        #expect(try await client.receiveToEnd() == "")
        try await run.value
    }

    @Test("At a loopback address a page with a name of its own is refused, and a check without a Host is answered")
    func foreignHost() async throws {
        try await running(star.server()) { address in
            let foreign = try TestSocket(address: address)
            try foreign.send("GET /status HTTP/1.1\r\nHost: evil.example:8080\r\n\r\n")
            let refused = try TestAnswer(try await foreign.receiveToEnd())
            #expect(refused.status == 421 && refused.body.contains("Host") && !refused.body.contains("seat"))
            let check = try TestSocket(address: address)
            try check.send("GET /active HTTP/1.0\r\n\r\n")
            #expect(try TestAnswer(try await check.receiveToEnd()).status == 200)
        }
    }

    @Test("When there are too many clients, the one that has been silent for longest is let go")
    func crowd() async throws {
        try await running(star.server { $0.maximumConnections = 3 }) { address in
            let clients = try (0..<3).map { _ in try TestSocket(address: address) }
            for client in clients {
                try client.send("HEAD /active HTTP/1.1\r\nHost: localhost\r\n\r\n")
                _ = try await client.receive { $0.hasSuffix("\r\n\r\n") }
            }
            // The first has asked again since, so that the second has been silent for longest.
            try clients[0].send("HEAD /active HTTP/1.1\r\nHost: localhost\r\n\r\n")
            _ = try await clients[0].receive { $0.hasSuffix("\r\n\r\n") }
            let another = try TestSocket(address: address)
            try another.send("HEAD /active HTTP/1.1\r\nHost: localhost\r\n\r\n")
            _ = try await another.receive { $0.hasSuffix("\r\n\r\n") }
            #expect(try await clients[1].receiveToEnd() == "")
            for client in [clients[0], clients[2], another] {
                try client.send("HEAD /active HTTP/1.1\r\nHost: localhost\r\n\r\n")
                #expect(try await client.receive { $0.hasSuffix("\r\n\r\n") }.hasPrefix("HTTP/1.1 200"))
            }
        }
    }

    @Test("A crowd of clients that say nothing does not keep a check from being answered")
    func silentCrowd() async throws {
        try await running(star.server { $0.maximumConnections = 8 }) { address in
            let crowd = try (0..<50).map { _ in try TestSocket(address: address) }
            #expect(try await TestSocket(address: address).get("/active").status == 200)
            withExtendedLifetime(crowd) {}
        }
    }

    @Test(
        "An answer that is on its way arrives when the server is told to stop; idle clients are let go, and the port is free"
    )
    func gracefulStop() async throws {
        star.update { $0.delay = .milliseconds(500) }
        let server = try star.server()
        let address = try await server.listen()
        let idle = try TestSocket(address: address)
        let group = ServiceGroup(services: [server], logger: .init(label: "test"))
        let run = Task { try await group.run() }
        let client = try TestSocket(address: address)
        try client.send(String(repeating: "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n", count: 2))
        while star.asked == 0 { try await Task.sleep(for: .milliseconds(5)) }
        await group.triggerGracefulShutdown()
        let answer = try TestAnswer(try await client.receiveToEnd())
        #expect(answer.status == 200 && answer.fields["connection"] == "close" && answer.body == "healthy\n")
        #expect(try await idle.receiveToEnd() == "")
        try await run.value
        #expect(throws: TestSocket.Failure.self) { try TestSocket(address: address) }
    }

    @Test func aPortInUseIsToldBeforeTheServerRuns() async throws {
        let first = try star.server()
        try await running(first) { [star] address in
            let port = UInt16(address.split(separator: ":")[1]) ?? 0
            let second = try star.server { $0.port = port }
            await #expect {
                try await second.listen()
            } throws: {
                ($0 as? BinaryStarError)?.code == .endpointUnavailable
                    && "\($0)".contains("\(address): Address already in use")
            }
        }
        await #expect { try await first.run() } throws: { ($0 as? BinaryStarError)?.code == .alreadyRan }
    }

    @Test(arguments: ["127.0.0.1", "0.0.0.0", "::1"]) func itListensWhereItIsTold(_ host: String) async throws {
        try await running(star.server { $0.host = host }) { address in
            #expect(address.hasPrefix(host.contains(":") ? "[::1]:" : "\(host):") && !address.hasSuffix(":0"))
            guard host != "::1" else { return }
            let status = try await TestSocket(address: address).get("/active").status
            #expect(status == 200)
        }
    }

    @Test("A server that listened and never ran leaves its port to others")
    func neverRun() async throws {
        var server: StatusServer? = try star.server()
        let address = try #require(try await server?.listen())
        server = nil
        #expect(throws: TestSocket.Failure.self) { try TestSocket(address: address) }
    }

    @Test("If the system lets nobody wait for sockets, the server says so and leaves its port to others")
    func noPool() async throws {
        let server = try StatusServer(
            configuration: .init(port: 0), pool: BrokenPool(), logger: .init(label: "test")
        ) { _ in .text(.ok, "") }
        let address = try await server.listen()
        await #expect {
            try await server.run()
        } throws: {
            ($0 as? BinaryStarError)?.code == .socketFailed && "\($0)".contains("too many open files")
        }
        #expect(throws: TestSocket.Failure.self) { try TestSocket(address: address) }
    }
}

/// One that the system refuses.
private struct BrokenPool: AsyncSocketPool {
    func prepare() async throws { throw SocketError.failed(type: "epoll", errno: 24, message: "too many open files") }
    func run() async throws {}
    func suspendSocket(_ socket: Socket, untilReadyFor events: Socket.Events) async throws {}
}

extension String {
    /// How often `part` is in it.
    fileprivate func components(of part: String) -> Int {
        split(separator: part, omittingEmptySubsequences: false).count - 1
    }
}
