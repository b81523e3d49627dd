import BinaryStar
import BinaryStarCore
import CoreMetrics
import Testing

@testable import BinaryStarHTTP

/// Each path, in each role, with each method.
@Suite struct ResponderTests {
    private let star: PosedStar

    init() throws { star = try PosedStar() }

    private func answer(_ path: String, _ method: String = "GET", query: String = "") async -> Response {
        await star.responder(metrics: PrometheusMetrics()).answer(Request(method: method, path: path, query: query))
    }

    private static let checks: [(path: String, ok: Set<Role>)] = [
        ("/active", [.active]), ("/passive", [.passive]), ("/health", Set(Role.allCases)),
        ("/ready", [.active, .passive]),
    ]

    @Test("The checks by role", arguments: Role.allCases) func checks(_ role: Role) async {
        star.become(role)
        for (path, ok) in Self.checks {
            for method in ["GET", "HEAD"] {
                let response = await answer(path, method)
                #expect(response.status == (ok.contains(role) ? .ok : .unavailable), "\(path) \(role) \(response.body)")
                #expect(response.body.count { $0 == "\n" } == 1 && response.body.count > 5)
                let retries = response.fields.contains { $0.name == "Retry-After" }
                #expect(retries == (response.status == .unavailable))
            }
        }
    }

    @Test("An active server whose lease has run out is not active, and not ready")
    func lease() async {
        star.become(.active, isServing: false)
        #expect(await answer("/active").status == .unavailable)
        #expect(await answer("/ready").status == .unavailable)
        #expect(await answer("/passive").status == .unavailable)
    }

    @Test("A server that still has its lease is not passive, whatever its role is about to be")
    func leaseAgainstRole() async {
        star.become(.passive, isServing: true)
        #expect(await answer("/active").status == .ok)
        #expect(await answer("/passive").status == .unavailable)
    }

    @Test("By the lease alone is said what is active while the star's thread hangs; all else is not known")
    func hanging() async {
        star.become(.active)
        star.update { $0.report = nil }
        #expect(await answer("/active").status == .ok)
        for path in ["/passive", "/health", "/ready", "/status", "/history"] {
            let response = await answer(path)
            #expect(response.status == .unavailable && response.body.contains("does not answer"), "\(path)")
        }
    }

    @Test("What does not run is not healthy") func idle() async {
        star.update { $0.report?.status.uptime = nil }
        for path in ["/active", "/passive", "/health", "/ready"] {
            #expect(await answer(path).status == .unavailable, "\(path)")
        }
    }

    @Test("What the application says, and the operator") func fitness() async {
        star.become(.passive)
        star.update { $0.report?.isFit = false }
        #expect(await answer("/health").status == .unavailable)
        #expect(await answer("/ready").status == .unavailable)
        star.update { pose in
            pose.report?.isFit = true
            pose.report?.status.isDrained = true
        }
        #expect(await answer("/health").status == .ok)
        #expect(await answer("/ready").status == .unavailable)
    }

    @Test("A passive server that does not hear its peer is not ready", arguments: [true, false])
    func silence(_ wasHeard: Bool) async {
        star.become(.passive)
        star.update { pose in
            if wasHeard { pose.report?.status.peer?.isExpired = true } else { pose.report?.status.peer = nil }
        }
        let response = await answer("/ready")
        #expect(response.status == .unavailable && response.body.contains("the peer is not heard"))
        #expect(await answer("/health").status == .ok)
    }

    @Test("A passive server that would not take over is not ready") func paused() async {
        star.become(.passive)
        star.update { $0.report?.status.isPaused = true }
        let response = await answer("/ready")
        #expect(response.status == .unavailable && response.body.contains("automatic failover is paused"))
        star.become(.active)
        #expect(await answer("/ready").status == .ok)
        #expect(await answer("/health").status == .ok)
    }

    @Test("Whether it serves is told from the lease, also while the star's thread hangs") func serving() async throws {
        let metrics = PrometheusMetrics()
        let told = metrics.makeMeter(label: "bstar_serving", dimensions: [("seat", "primary"), ("pair", "p")])
        told.set(Int64(1))
        star.update { $0.report = nil }
        for isValid in [false, true] {
            star.update { $0.lease.isValid = isValid }
            let response = await star.responder(metrics: metrics).answer(Request(method: "GET", path: "/metrics"))
            let lines = response.body.split(separator: "\n").filter { $0.hasPrefix("bstar_serving") }
            #expect(lines == [#"bstar_serving{pair="p",seat="primary"} \#(isValid ? 1 : 0)"#])
        }
    }

    private static let paths = [
        "/", "/active", "/health", "/history", "/metrics", "/page.css", "/page.js", "/passive", "/ready", "/status",
    ]

    @Test("Every path answers three methods, and changes nothing by any", arguments: paths)
    func methods(_ path: String) async {
        star.become(.active)
        for method in ["POST", "PUT", "DELETE", "PATCH", "CONNECT", "TRACE", "get", "BREW"] {
            let response = await answer(path, method)
            #expect(response.status == .methodNotAllowed, "\(method)")
            #expect(response.fields.contains { $0 == ("Allow", "GET, HEAD, OPTIONS") })
        }
        let options = await answer(path, "OPTIONS")
        #expect(options.status == .noContent && options.fields.contains { $0 == ("Allow", "GET, HEAD, OPTIONS") })
    }

    @Test(arguments: ["/nothing", "/active/", "//active", "/Active", "/../status", "/%61ctive", "*"])
    func whatIsNotThere(_ path: String) async {
        #expect(await answer(path).status == .notFound)
    }

    @Test func optionsOfTheServer() async { #expect(await answer("*", "OPTIONS").status == .noContent) }

    @Test func withoutMetricsThereIsNoPathForThem() async {
        let response = await star.responder().answer(Request(method: "GET", path: "/metrics"))
        #expect(response.status == .notFound)
    }

    @Test("The status and the history are JSON, with what the peer says if it is known")
    func json() async throws {
        star.become(.active)
        let url = try PeerURL("http://127.0.0.1:1")
        let peer = PeerView(of: url) { path in
            try JSON(
                parsing: Array(
                    (path.hasPrefix("/status") ? #"{"server":{"seat":"backup"}}"# : #"{"records":[{"term":3}]}"#).utf8))
        }
        let responder = star.responder(peer: peer)
        func json(_ path: String, _ query: String = "") async throws -> JSON {
            let response = await responder.answer(Request(method: "GET", path: path, query: query))
            #expect(response.status == .ok && response.contentType == "application/json")
            return try JSON(parsing: Array(response.body.utf8))
        }
        let both = try await json("/status")
        #expect(both["version"] == .number("1"))
        #expect(both["server"]?["role"] == .string("active"))
        #expect(both["peer"]?["server"]?["seat"] == .string("backup"))
        #expect(both["peer"]?["url"] == .string("http://127.0.0.1:1"))
        #expect(try await json("/history")["records"] == .array([.object([.init("term", .number("3"))])]))
        // What the peer asks for, so that it is not asked back.
        #expect(try await json("/status", "only=own")["peer"] == nil)
        #expect(try await json("/history", "only=own")["records"] == .array([]))
    }

    @Test("The page has no outside asset, and nothing inline that the policy forbids") func page() async {
        let response = await answer("/")
        let policy = response.fields.first { $0.name == "Content-Security-Policy" }?.value ?? ""
        #expect(policy.hasPrefix("default-src 'none'") && !policy.contains("unsafe") && !policy.contains("http"))
        for text in [Page.html, Page.style, Page.script] {
            #expect(!text.contains("https:") && !text.contains("//cdn"))
            // Namespaces and the scheme of the other server's address are no addresses to load from.
            let urls = text.components(of: "http://").dropFirst().filter { !$0.hasPrefix("www.w3.org/") }
            #expect(urls.allSatisfy { $0.hasPrefix("'") })
        }
        #expect(!Page.html.contains(" style=") && !Page.html.contains("<style") && !Page.html.contains(" onclick="))
        #expect(!Page.script.contains("innerHTML"))
    }
}

extension String {
    fileprivate func components(of separator: String) -> [Substring] {
        split(separator: separator, omittingEmptySubsequences: false)
    }
}
