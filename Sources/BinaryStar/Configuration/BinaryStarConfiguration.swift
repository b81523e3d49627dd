/// What a server of a pair is told: its seat, how it reaches its peer, and the timing.
///
/// The two servers of a pair mirror each other: one has the primary seat and the other the backup seat, each connects to
/// where the other listens, and both keep the same timing.
///
/// Source: zguide, chapter 4, `bstar_new (primary, local, remote)`.
public struct BinaryStarConfiguration: Sendable, Hashable {
    /// Whether this server is the pair's primary or its backup.
    public var seat: Seat

    /// Where this server publishes its role, such as `tcp://*:5003`. `tcp` or `ipc`.
    public var listen: String

    /// Where the peer publishes its role, such as `tcp://other-machine:5004`. `tcp` or `ipc`.
    public var connect: String

    /// How often to publish, and how long a silent peer counts as alive. The same on both servers.
    public var timing: HeartbeatTiming

    /// - Parameters:
    ///   - seat: whether this server is the pair's primary or its backup.
    ///   - listen: where this server publishes its role.
    ///   - connect: where the peer publishes its role.
    ///   - timing: 250 ms and 1 s by default. Use `HeartbeatTiming.classic` with a zguide server as the peer.
    public init(seat: Seat, listen: String, connect: String, timing: HeartbeatTiming = .standard) {
        self.seat = seat
        self.listen = listen
        self.connect = connect
        self.timing = timing
    }

    /// Checks every field.
    ///
    /// - Throws: ``BinaryStarError`` with the code ``BinaryStarError/Code/invalidConfiguration``, which names the field, its
    ///   value and the rule that it breaks.
    public func validate() throws(BinaryStarError) {
        let listening = try Endpoint(listen, field: "listen", use: .bind)
        let connecting = try Endpoint(connect, field: "connect", use: .connect)
        guard !listening.isReached(by: connecting) else {
            throw .invalid(
                "connect", "\"\(connect)\"",
                "it leads to this server's own listen endpoint \"\(listen)\"; name the peer's")
        }
        try timing.validate()
    }
}

extension HeartbeatTiming {
    func validate() throws(BinaryStarError) {
        guard interval > .zero else { throw .invalid("interval", interval, "it must be above zero") }
        guard interval <= Self.maximum else { throw .invalid("interval", interval, "it must be at most one day") }
        guard timeout >= interval * 2 else {
            throw .invalid(
                "timeout", timeout,
                "it must be at least two intervals (\(interval * 2)), so that one late heartbeat causes no failover")
        }
        guard timeout <= Self.maximum else { throw .invalid("timeout", timeout, "it must be at most one day") }
    }
}
