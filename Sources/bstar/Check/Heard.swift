import BinaryStar
import BinaryStarCore

/// What came from an endpoint at which a server publishes its role.
struct Heard: Sendable {
    var endpoint: String
    /// The newest valid heartbeat.
    var newest: Heartbeat?
    var count = 0
    /// What came and was none, by reason.
    var rejected: [HeartbeatRejection: Int] = [:]
    /// The longest time between two that came one after the other.
    var longestGap = Duration.zero
    private var lastArrival: MonotonicTime?
    private var firstArrival: MonotonicTime?

    init(endpoint: String) { self.endpoint = endpoint }

    mutating func add(_ heartbeat: Result<Heartbeat, HeartbeatRejection>, at now: MonotonicTime) {
        switch heartbeat {
        case .failure(let reason): rejected[reason, default: 0] += 1
        case .success(let heartbeat):
            // To a classic peer the extension goes now and then only.
            if heartbeat.extension != nil || newest?.extension == nil { newest = heartbeat }
            count += 1
            if let lastArrival { longestGap = max(longestGap, now - lastArrival) }
            if firstArrival == nil { firstArrival = now }
            lastArrival = now
        }
    }

    /// What the sender says its interval is, or what it seems to be.
    var interval: Duration? {
        if let timing = newest?.extension?.timing { return timing.interval }
        guard let firstArrival, let lastArrival, count > 1 else { return nil }
        return (lastArrival - firstArrival) / (count - 1)
    }

    /// By how much the latest of them was late.
    var lateness: Duration? {
        guard count > 1, let interval else { return nil }
        return max(.zero, longestGap - interval)
    }
}

/// Listens as a peer would, without being one: nobody is told a role.
struct HeartbeatListener {
    /// A star that never runs; its pump has the sockets.
    let star: BinaryStar

    func listen(at endpoint: String, for time: Duration) async throws -> Heard {
        let channel = try await star.open(.sub(), connect: endpoint)
        return await withTaskGroup(of: Heard?.self) { group in
            let heard = Recording(endpoint)
            group.addTask {
                for await message in channel { await heard.add(Heartbeat.decode(message), at: .now) }
                return nil
            }
            group.addTask {
                try? await Task.sleep(for: time)
                return nil
            }
            _ = await group.next()
            group.cancelAll()
            return await heard.heard
        }
    }

    private actor Recording {
        var heard: Heard
        init(_ endpoint: String) { heard = Heard(endpoint: endpoint) }
        func add(_ heartbeat: Result<Heartbeat, HeartbeatRejection>, at now: MonotonicTime) {
            heard.add(heartbeat, at: now)
        }
    }
}

/// How late this machine lets a task run that is due.
func measureSchedulingDelay(for time: Duration) async -> Duration {
    let end = MonotonicTime.now + time
    var worst = Duration.zero
    while MonotonicTime.now < end, !Task.isCancelled {
        let due = MonotonicTime.now + .milliseconds(5)
        try? await Task.sleep(for: .milliseconds(5), tolerance: .zero)
        worst = max(worst, MonotonicTime.now - due)
    }
    return worst
}
