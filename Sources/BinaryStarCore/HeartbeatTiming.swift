/// How often a server publishes its role, and how long a silent peer counts as alive.
public struct HeartbeatTiming: Sendable, Hashable {
    /// The time between two heartbeats. Above zero.
    public var interval: Duration

    /// How long after its last valid heartbeat the peer still counts as alive. At least two intervals, so that one late
    /// or lost heartbeat does not end it.
    public var timeout: Duration

    /// - Parameters:
    ///   - interval: the time between two heartbeats.
    ///   - timeout: how long a silent peer counts as alive.
    public init(interval: Duration, timeout: Duration) {
        self.interval = interval
        self.timeout = timeout
    }

    /// A heartbeat every 250 ms, and a failover after 1 s.
    public static let standard = HeartbeatTiming(interval: .milliseconds(250), timeout: .seconds(1))

    /// The zguide's: a heartbeat every second, and a failover after two. Both servers of a pair must keep the same
    /// timing, so this is the one to use with a zguide server as the peer.
    public static let classic = HeartbeatTiming(interval: .seconds(1), timeout: .seconds(2))

    /// The longest time that either may be: one day.
    public static let maximum = Duration.seconds(86_400)
}
