import BinaryStar
import BinaryStarCore
import Dispatch
import Foundation
import Synchronization

/// An echo server of a pair that writes down each heartbeat, until SIGTERM.
///
/// The file gets the lines that `limit.c` writes: "sent NUMBER NANOSECONDS" and "heard NUMBER NANOSECONDS".
struct WatchedStar {
    let seat: Seat
    let frontend: String
    let listen: String
    let connect: String
    let handler: String
    let file: String
    let interval: Duration

    init(_ arguments: [String]) {
        seat = arguments[0] == "primary" ? .primary : .backup
        frontend = arguments[1]
        listen = arguments[2]
        connect = arguments[3]
        handler = arguments[4]
        file = arguments[5]
        interval = .milliseconds(Int(arguments[6]) ?? 250)
    }

    func run() async throws {
        // The default timeout also for a short interval: the beats are to be watched, and not who stalls.
        let timing = HeartbeatTiming(interval: interval, timeout: .seconds(1))
        let star = try BinaryStar(
            configuration: .init(seat: seat, listen: listen, connect: connect, timing: timing))
        let notes = Notes()
        await star.observe { notes.add($0) }
        switch handler {
        case "inline": try await star.addInlineVoter(.router, bind: frontend) { $0.body }
        case "blocking":
            try await star.addVoter(.router, bind: frontend) { request in
                usleep(1_000)
                return request.body
            }
        default: try await star.addVoter(.router, bind: frontend) { $0.body }
        }
        let running = Task { try await star.run() }
        signal(SIGTERM, SIG_IGN)
        let signals = AsyncStream.makeStream(of: Void.self)
        let source = DispatchSource.makeSignalSource(signal: SIGTERM)
        source.setEventHandler { signals.continuation.yield() }
        source.resume()
        for await _ in signals.stream { break }
        try notes.text.write(toFile: file, atomically: true, encoding: .utf8)
        running.cancel()
        _ = await running.result
    }
}

/// What a star said of its heartbeats.
private final class Notes: Sendable {
    private let lines = Mutex<[(isSent: Bool, number: UInt64, instant: Int64)]>([])

    init() { lines.withLock { $0.reserveCapacity(100_000) } }

    func add(_ observation: Observation) {
        switch observation {
        case .published(let number, let instant): lines.withLock { $0.append((true, number, instant.nanoseconds)) }
        case .judged(let number, let instant): lines.withLock { $0.append((false, number, instant.nanoseconds)) }
        case .changed, .admitted, .replied: break
        }
    }

    var text: String {
        lines.withLock { lines in
            lines.map { "\($0.isSent ? "sent" : "heard") \($0.number) \($0.instant)\n" }.joined()
        }
    }
}
