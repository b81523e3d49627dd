import BinaryStarCore

/// How a client reaches the two servers of a pair, and how patient it is.
public struct BinaryStarClientConfiguration: Sendable, Hashable {
    /// How a request is wrapped on the wire.
    public enum Envelope: Sendable, Hashable {
        /// With a header that tells replies apart, so that many requests can be in flight. For every server that returns
        /// the envelope of a request unchanged, as REP sockets and ROUTER services do.
        case header
        /// As a REQ socket would send it: one request at a time, the others wait. For servers that look at frames by their
        /// number and keep no envelope.
        case plain
    }

    /// Where the primary serves clients, such as `tcp://machine-a:5001`. It is tried first.
    public var primary: String

    /// Where the backup serves clients, such as `tcp://machine-b:5001`.
    public var backup: String

    /// How long a request may take, retries and failovers included, unless the call says otherwise. Above zero.
    public var requestTimeout: Duration

    /// How long the server may be silent while requests wait, before the client turns to the other one. A request that the
    /// server does not answer in this time, although it answers others, is sent to it again. Above zero, and longer than
    /// the slowest handler.
    public var attemptTimeout: Duration

    /// With the zguide's servers: how long to wait before asking the other one, so that a passive one has noticed by then that
    /// its peer is gone. At least the servers' `HeartbeatTiming.timeout`. Servers of ours are asked at once.
    public var settleDelay: Duration

    /// How many requests may be in flight, at most; further ones wait for their turn. From 1. Not above a server's
    /// ``VoterLimits/replyQueue``, or replies may be lost.
    public var maximumInFlight = 10_000

    /// How many bytes the frames of a request may have together. From 0. Not above a server's
    /// ``VoterLimits/maximumFrameSize``, or a longer frame costs the client its connection.
    public var maximumBodySize = 64 << 20

    /// The longest frame that a server may reply with, in bytes. A longer one costs it the connection. From 1.
    public var maximumReplyFrameSize = 64 << 20

    /// How a request is wrapped on the wire.
    public var envelope: Envelope

    /// - Parameters:
    ///   - primary: where the primary serves clients.
    ///   - backup: where the backup serves clients.
    ///   - requestTimeout: how long a request may take, unless the call says otherwise.
    ///   - attemptTimeout: how long the server may be silent before the client turns to the other one.
    ///   - settleDelay: with the zguide's servers, how long to wait before asking the other one.
    ///   - envelope: how a request is wrapped on the wire.
    public init(
        primary: String,
        backup: String,
        requestTimeout: Duration = .seconds(10),
        attemptTimeout: Duration = .seconds(1),
        settleDelay: Duration = HeartbeatTiming.standard.timeout,
        envelope: Envelope = .header
    ) {
        self.primary = primary
        self.backup = backup
        self.requestTimeout = requestTimeout
        self.attemptTimeout = attemptTimeout
        self.settleDelay = settleDelay
        self.envelope = envelope
    }

    /// The times of the zguide's client, for a pair with `HeartbeatTiming.classic` timing.
    public static func classic(primary: String, backup: String) -> BinaryStarClientConfiguration {
        BinaryStarClientConfiguration(
            primary: primary, backup: backup, settleDelay: HeartbeatTiming.classic.timeout)
    }

    /// Checks every field.
    ///
    /// - Throws: ``BinaryStarError`` with the code ``BinaryStarError/Code/invalidConfiguration``, which names the field, its
    ///   value and the rule that it breaks.
    public func validate() throws(BinaryStarError) {
        _ = try Endpoint(primary, field: "primary", use: .connect)
        _ = try Endpoint(backup, field: "backup", use: .connect)
        guard primary != backup else {
            throw .invalid("backup", "\"\(backup)\"", "it is the primary's endpoint too; name the other server's")
        }
        for (field, value) in [("requestTimeout", requestTimeout), ("attemptTimeout", attemptTimeout)] {
            guard value > .zero else { throw .invalid(field, value, "it must be above zero") }
            guard value <= HeartbeatTiming.maximum else { throw .invalid(field, value, "it must be at most one day") }
        }
        guard settleDelay >= .zero else { throw .invalid("settleDelay", settleDelay, "it must not be negative") }
        guard settleDelay <= HeartbeatTiming.maximum else {
            throw .invalid("settleDelay", settleDelay, "it must be at most one day")
        }
        for (field, value, least) in [
            ("maximumInFlight", maximumInFlight, 1), ("maximumBodySize", maximumBodySize, 0),
            ("maximumReplyFrameSize", maximumReplyFrameSize, 1),
        ] {
            guard value >= least else { throw .invalid(field, value, "it must be at least \(least)") }
            guard value <= Int(Int32.max) else { throw .invalid(field, value, "it must be below 2³¹") }
        }
    }

    var follower: PairFollower.Configuration {
        PairFollower.Configuration(
            attemptTimeout: attemptTimeout, settleDelay: settleDelay, maximumInFlight: maximumInFlight,
            isPlain: envelope == .plain)
    }

    func endpoint(of seat: Seat) -> String {
        switch seat {
        case .primary: primary
        case .backup: backup
        }
    }
}
