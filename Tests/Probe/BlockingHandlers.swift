import BinaryStar
import Foundation
import Synchronization
import ZeroMQ

/// Handlers that block every thread of Swift's pool for ten seconds, and what the peer hears meanwhile.
struct BlockingHandlers {
    let folder: URL

    private static let interval = Duration.milliseconds(250)
    private static let blockedSeconds = 10.0

    /// What a careless handler does.
    private static func blockThread() { Thread.sleep(forTimeInterval: blockedSeconds) }

    func run() async throws {
        let star = try BinaryStar(
            configuration: .init(
                seat: .primary, listen: folder.ipc("listen"), connect: folder.ipc("nobody"),
                timing: .init(interval: Self.interval, timeout: Self.interval * 2)))
        let endpoint = try await star.addVoter(.router, bind: folder.ipc("voter")) { request in
            guard request.text == "block" else { return request.body }
            Self.blockThread()
            return request.body
        }
        let running = Task { try await star.run() }
        let client = try BinaryStarClient(
            configuration: .init(
                primary: endpoint, backup: folder.ipc("nobody-2"), requestTimeout: .seconds(90),
                attemptTimeout: .seconds(60)))
        // The first vote promotes the star, when its peer counts as gone.
        try await Task.sleep(for: Self.interval * 3)
        _ = try await client.request("vote")
        let beats = Beats(endpoint: folder.ipc("listen"))
        let start = ContinuousClock.now
        let handlers = ProcessInfo.processInfo.activeProcessorCount * 2
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<handlers { group.addTask { _ = try await client.request("block") } }
            try await group.waitForAll()
        }
        let elapsed = ContinuousClock.now - start
        let (count, longestGap) = beats.stop()
        print("\(handlers) handlers blocked a thread for 10 s each; \(count) heartbeats, longest gap \(longestGap)")
        try require(elapsed >= .seconds(Self.blockedSeconds), "the handlers took \(elapsed) only")
        try require(count >= 30, "\(count) heartbeats in \(elapsed)")
        try require(longestGap < Self.interval * 2, "the longest gap was \(longestGap)")
        await client.close()
        running.cancel()
        try await running.value
    }
}

/// Hears a star's heartbeats on a thread of its own.
private final class Beats: Sendable {
    private struct State {
        var isStopped = false
        var count = 0
        var longestGap = Duration.zero
    }

    private let state = Mutex(State())

    init(endpoint: String) {
        Thread { self.listen(to: endpoint) }.start()
    }

    func stop() -> (count: Int, longestGap: Duration) {
        state.withLock {
            $0.isStopped = true
            return ($0.count, $0.longestGap)
        }
    }

    private func listen(to endpoint: String) {
        guard let socket = try? Socket(.sub, in: Context()), (try? socket.set(.subscribe, "")) != nil,
            (try? socket.connect(endpoint)) != nil
        else { return }
        var pollSet = PollSet()
        pollSet.append(socket, events: .readable)
        var last: ContinuousClock.Instant?
        while !state.withLock(\.isStopped) {
            _ = try? pollSet.wait(milliseconds: 100)
            let now = ContinuousClock.now
            var heard = false
            while let _ = (try? socket.receive()) ?? nil { heard = true }
            // A gap counts while it lasts.
            let gap = last.map { now - $0 } ?? .zero
            state.withLock {
                if heard { $0.count += 1 }
                $0.longestGap = max($0.longestGap, gap)
            }
            if heard { last = now }
        }
    }
}
