import BinaryStar
import BinaryStarCore
import Logging
import TestSupport
import Testing

@testable import BinaryStarHTTP

/// A star of which a test says what it is.
final class PosedStar: Sendable {
    struct Pose: Sendable {
        var report: StarReport?
        var lease = (isValid: false, term: UInt64(0))
        /// How often somebody has asked for a report.
        var asked = 0
        /// How long an answer takes.
        var delay = Duration.zero
    }

    private let pose: Lock<Pose>

    init() throws {
        let status = try JSON(parsing: Array(Self.json.utf8)).decode(BinaryStar.Status.self)
        pose = Lock(Pose(report: StarReport(status: status, isFit: true)))
    }

    /// A primary that waits.
    private static let json = """
        {"version":"0.1.0","time":1,"uptime":1.5,"pairName":"p","seat":"primary","role":"primary","term":7,"incarnation":1,
        "isServing":false,"isSuspect":false,"isDraining":false,"isPaused":false,"isDrained":false,"isHealthy":true,"links":[],
        "peer":{"kind":"extended","role":"passive","lastHeard":0.1,"isExpired":false},
        "requests":{"admitted":0,"refused":0,"held":0,"inFlight":0,"dropped":{},"repliesSent":0,"repliesDropped":{},
        "handlersFailed":0},"heartbeats":{"sent":1,"received":1,"rejected":{}},"stalls":0,
        "configuration":{"listen":[],"connect":[],"voters":[],"interval":0.25,"timeout":1,"wire":"extended","drainTimeout":5}}
        """

    func become(_ role: Role, isServing: Bool? = nil) {
        update { pose in
            pose.report?.status.role = role
            pose.lease = (isServing ?? (role == .active), 7)
        }
    }

    func update(_ change: @Sendable (inout Pose) -> Void) { pose.withLock { change(&$0) } }

    var asked: Int { pose.withLock { $0.asked } }

    var source: StatusSource {
        StatusSource(
            lease: { [self] in pose.withLock { $0.lease } },
            report: { [self] in
                update { $0.asked += 1 }
                let delay = pose.withLock { $0.delay }
                // Which nobody cuts short, as it is with a star.
                await Task { try? await Task.sleep(for: delay) }.value
                return pose.withLock { $0.report }
            },
            history: { [self] in pose.withLock { $0.report } == nil ? nil : [] },
            dimensions: [("pair", "p"), ("seat", "primary")])
    }

    func responder(metrics: PrometheusMetrics? = nil, peer: PeerView? = nil) -> Responder {
        Responder(source: source, metrics: metrics, peer: peer)
    }

    func server(
        _ limits: (inout StatusServerConfiguration) -> Void = { _ in }, metrics: PrometheusMetrics? = nil
    ) throws -> StatusServer {
        var configuration = StatusServerConfiguration(port: 0)
        limits(&configuration)
        return try StatusServer(
            configuration: configuration, source: source, metrics: metrics, logger: .init(label: "test"))
    }
}

/// Long enough for a busy machine; nothing waits for as long as this unless it fails.
let patience = Duration.seconds(30)

/// Runs `server` while `body` lasts, and then cancels it and awaits its end.
func running<Value: Sendable>(
    _ server: StatusServer, _ body: @escaping @Sendable (_ address: String) async throws -> Value
) async throws -> Value {
    let address = try await server.listen()
    let run = Task { try await server.run() }
    let outcome = await Task { try await body(address) }.result
    run.cancel()
    try await run.value
    return try outcome.get()
}

/// Keeps whoever comes waiting until it is opened.
final class Gate: Sendable {
    private let stream: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    init() { (stream, continuation) = AsyncStream.makeStream() }

    func open() { continuation.finish() }

    /// Also returns when the task is cancelled.
    func wait() async { for await _ in stream {} }
}

/// Counts, from whatever thread.
final class Tally: Sendable {
    private let number = Lock(0)
    func add() { number.withLock { $0 += 1 } }
    var count: Int { number.withLock { $0 } }
}
