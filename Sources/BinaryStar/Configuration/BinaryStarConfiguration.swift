import BinaryStarCore

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

    /// Further endpoints where this server publishes its role: one for each further network between the two machines, unless
    /// ``listen`` covers all of them, as `tcp://*:5003` does.
    public var furtherListen: [String] = []

    /// Further endpoints of the peer's, over other networks. A heartbeat that comes by any of them counts, so that the
    /// failure of one network causes no failover; and only a peer that is silent and refuses connections at all of them
    /// counts as dead before the timeout. For a peer of ours only: a zguide server's heartbeats do not tell which is newer.
    public var furtherConnect: [String] = []

    /// How often to publish, and how long a silent peer counts as alive. The same on both servers.
    public var timing: HeartbeatTiming

    /// The pair's name, the same on both servers. A heartbeat of another pair counts for nothing, so that a wrong endpoint does
    /// no harm. At most 255 bytes of UTF-8.
    public var pairName = ""

    /// What this server says to its peer. With the default a zguide server as the peer is recognised by itself.
    public var wire = HeartbeatWire.extended

    /// Whether a backup that has not met its primary may become active on a client's request. By default it never does, as in
    /// the zguide; ``BinaryStar/promote()`` is the other way out.
    public var coldStart = ColdStart.never

    /// What to do when a zguide server, which has no term, claims the same role.
    public var conflictPolicy = ConflictPolicy.failStop

    /// Whether the peer counts as gone at once when its link drops and its port refuses connections, instead of at the end of
    /// the timeout. Turn it off if something between the two servers, such as a firewall, resets connections.
    public var trustsRefusedConnections = true

    /// How long a server that hands over waits for the handlers that run, before it hands over without their replies.
    public var drainTimeout = Duration.seconds(5)

    /// Where to keep the latest 1,000 changes of role and term, as JSON lines in a file named after the seat; made if it does not
    /// exist. Terms of a later life start above those in it, also if the wall clock was set back. `nil` keeps nothing.
    public var stateDirectory: String?

    /// Where operators reach this server: `ipc://PATH`, a Unix socket that only the user of this process can use (mode 0600). A
    /// file that a killed server has left there is replaced. `nil` opens none. See ``ControlClient`` and <doc:Control>.
    public var control: String?

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
        try validateEndpoints()
        guard furtherConnect.isEmpty || wire == .extended else {
            throw .invalid(
                "furtherConnect", "\"\(furtherConnect.joined(separator: " "))\"",
                "it must be empty with the classic wire, whose heartbeats do not tell which of them is newer")
        }
        if let control { _ = try Endpoint(control: control) }
        try timing.validate()
        guard pairName.utf8.count <= HeartbeatExtension.maximumNameLength else {
            throw .invalid(
                "pairName", "\"\(pairName)\"", "it must have at most \(HeartbeatExtension.maximumNameLength) bytes")
        }
        if case .after(let patience) = coldStart {
            guard patience >= timing.timeout, patience <= HeartbeatTiming.maximum else {
                throw .invalid(
                    "coldStart", patience, "it must be from the timeout (\(timing.timeout)) to one day")
            }
        }
        guard drainTimeout >= .zero, drainTimeout <= HeartbeatTiming.maximum else {
            throw .invalid("drainTimeout", drainTimeout, "it must be from zero to one day")
        }
    }

    private func validateEndpoints() throws(BinaryStarError) {
        var listening: [Endpoint] = []
        for text in allListen {
            let endpoint = try Endpoint(text, field: "listen", use: .bind)
            guard !listening.contains(endpoint) else { throw .invalid("listen", "\"\(text)\"", "it is there twice") }
            listening.append(endpoint)
        }
        var connecting: Set<Endpoint> = []
        for text in allConnect {
            let endpoint = try Endpoint(text, field: "connect", use: .connect)
            guard connecting.insert(endpoint).inserted else {
                throw .invalid("connect", "\"\(text)\"", "it is there twice")
            }
            for own in listening where own.isReached(by: endpoint) {
                throw .invalid(
                    "connect", "\"\(text)\"",
                    "it leads to this server's own listen endpoint \"\(own.text)\"; name the peer's")
            }
        }
    }

    package var allListen: [String] { [listen] + furtherListen }
    package var allConnect: [String] { [connect] + furtherConnect }

    var member: PairMember.Configuration {
        PairMember.Configuration(
            seat: seat, timing: timing, pairName: pairName, wire: wire, coldStart: coldStart,
            conflictPolicy: conflictPolicy)
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
