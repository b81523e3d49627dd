import BinaryStar
import TestSupport
import Testing

@testable import BinaryStarHTTP

@Suite(.serialized, .timeLimit(.minutes(2))) struct PeerViewTests {
    private let url: PeerURL

    init() throws { url = try PeerURL("http://127.0.0.1:9") }

    @Test("However many ask, the peer is asked once") func single() async throws {
        let counted = Tally()
        let view = PeerView(of: url, patience: patience) { path in
            counted.add()
            try await Task.sleep(for: .milliseconds(50))
            return .object([.init("server", .string("well")), .init("records", .array([]))])
        }
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<20 {
                group.addTask { #expect(await view.answer().status["server"] == .string("well")) }
            }
        }
        // For the status and for the history.
        #expect(counted.count == 2)
    }

    @Test("A peer that is gone is told with the reason, and its records stay") func gone() async throws {
        let isGone = Tally()
        let view = PeerView(of: url, patience: patience) { path in
            guard isGone.count == 0 else { throw PeerFetch.Failure("nobody listens there") }
            return .object([.init("server", .string("well")), .init("records", .array([.number("1")]))])
        }
        #expect(await view.answer().status["error"] == nil)
        isGone.add()
        var answer = await view.answer()
        while answer.status["error"] == nil {
            try await Task.sleep(for: .milliseconds(10))
            answer = await view.answer()
        }
        #expect(answer.status["error"] == .string("nobody listens there") && answer.status["server"] == nil)
        #expect(answer.status["answered"] != nil && answer.records == [.number("1")])
    }

    @Test("A peer that hangs delays nobody for longer than its time") func hanging() async throws {
        let view = PeerView(of: url) { _ in
            try await Task.sleep(for: .seconds(60))
            return .null
        }
        #expect(await view.answer().status["error"] == .string("no answer yet"))
    }

    @Test("What the peer told before a change is not told beside it, but asked anew") func change() async {
        let counted = Tally()
        let view = PeerView(of: url, patience: patience) { path in
            if path.hasPrefix("/status") { counted.add() }
            return .object([.init("server", .number("\(counted.count)"))])
        }
        #expect(await view.answer().status["server"] == .number("1"))
        await view.refresh(since: .now)
        #expect(await view.current.status["server"] == .number("2"))
    }

    @Test("So it is while a question is open that was asked before the change") func changeMeanwhile() async {
        let counted = Tally(), entered = Gate(), leave = Gate()
        let view = PeerView(of: url, patience: patience) { path in
            guard path.hasPrefix("/status") else { return .null }
            counted.add()
            let number = counted.count
            entered.open()
            if number == 1 { await leave.wait() }
            return .object([.init("server", .number("\(number)"))])
        }
        async let first = view.answer()
        await entered.wait()
        async let second: Void = view.refresh(since: .now)
        leave.open()
        _ = await (first, second)
        #expect(await view.current.status["server"] == .number("2"))
    }

    @Test("What a peer told long ago is not told as if it were so when it does not answer any more")
    func old() async throws {
        let counted = Tally(), never = Gate()
        let view = PeerView(of: url, usable: .milliseconds(500), patience: .milliseconds(50)) { _ in
            counted.add()
            if counted.count > 2 { await never.wait() }
            return .object([.init("server", .string("well"))])
        }
        var answer = await view.answer()
        while counted.count < 2 || answer.status["server"] == nil { answer = await view.answer() }
        let begin = ContinuousClock.now
        while answer.status["server"] != nil, ContinuousClock.now - begin < patience {
            try await Task.sleep(for: .milliseconds(20))
            answer = await view.answer()
        }
        never.open()
        guard case .string(let error)? = answer.status["error"] else {
            Issue.record("\(answer.status)")
            return
        }
        #expect(error.hasPrefix("no answer for ") && error.hasSuffix(" s"))
    }

    @Test("One server asks another, over real sockets, and by a name") func servers() async throws {
        let star = try PosedStar()
        try await running(star.server()) { address in
            let port = address.split(separator: ":")[1]
            for host in ["127.0.0.1", "localhost"] {
                let asking = try PosedStar().server { $0.peer = "http://\(host):\(port)/status" }
                try await running(asking) { own in
                    let body = try await TestSocket(address: own).get("/status").body
                    let json = try JSON(parsing: Array(body.utf8))
                    #expect(json["peer"]?["server"]?["seat"] == .string("primary"), "\(body)")
                }
            }
        }
    }

    @Test("Where nobody listens, and a name that is none") func nobody() async throws {
        let listener = try PosedStar().server()
        let address = try await running(listener) { $0 }
        for (peer, reason) in [(address, "nobody listens there"), ("no-such-host.invalid:1", "no-such-host.invalid: ")]
        {
            try await running(PosedStar().server { $0.peer = "http://\(peer)" }) { own in
                // The system's resolver may take longer than the first answer waits for it.
                while true {
                    let body = try await TestSocket(address: own).get("/status").body
                    guard body.contains("no answer yet") else {
                        #expect(body.contains(reason), "\(body)")
                        return
                    }
                }
            }
        }
    }

    @Test(arguments: [
        ("", "no HTTP"), ("HTTP/1.1 200 OK\r\n", "no HTTP"), ("HTTP/1.1 200 OK\r\n\r\nhello", "no JSON"),
        ("HTTP/1.1 503 x\r\n\r\nthe star does not run\n", "it answers 503: the star does not run"),
        ("SSH-2.0\r\n\r\n", "no HTTP"),
    ])
    func whatIsNoAnswer(_ text: String, _ reason: String) {
        #expect { try PeerFetch.body(Array(text.utf8)) } throws: { "\($0)".contains(reason) }
    }
}
