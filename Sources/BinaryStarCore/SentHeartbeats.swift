/// When the latest heartbeats were published, by sequence number: an echo of one of them tells the age of what came with it.
struct SentHeartbeats: Sendable, Hashable {
    private var times: [MonotonicTime] = []
    /// The sequence number of the newest heartbeat; 0 before the first.
    private(set) var newest: UInt64 = 0

    private static let capacity = 256

    /// Takes note of the next heartbeat, and returns its number.
    mutating func record(at now: MonotonicTime) -> UInt64 {
        if times.count == Self.capacity { times.removeFirst() }
        times.append(now)
        newest += 1
        return newest
    }

    /// When the heartbeat was published, or `nil` if it never was or is forgotten.
    func time(of sequence: UInt64) -> MonotonicTime? {
        guard sequence <= newest, newest - sequence < UInt64(times.count) else { return nil }
        return times[times.count - 1 - Int(newest - sequence)]
    }
}
