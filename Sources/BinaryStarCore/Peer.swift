/// What a server knows of the other one, from its heartbeats.
package struct Peer: Sendable, Hashable {
    /// What the peer speaks.
    package enum Kind: String, Sendable, Hashable, Codable {
        /// The zguide's wire: a role and nothing else.
        case classic
        /// Heartbeats with the extension.
        case extended
    }

    /// `nil` until the peer is heard.
    package internal(set) var kind: Kind?
    package internal(set) var role: Role?
    package internal(set) var lastHeard: MonotonicTime?

    // Of an extended peer.
    package internal(set) var term: UInt64 = 0
    package internal(set) var incarnation: UInt64 = 0
    package internal(set) var sequence: UInt64 = 0
    /// Which of the 64 newest heartbeats came: bit 0 is the one with ``sequence``.
    private var received: UInt64 = 0
    package internal(set) var timing: HeartbeatTiming?
    package internal(set) var flags: HeartbeatExtension.Flags = []
    /// Whether it has heard this life of ours, and so knows our times.
    var hasHeardUs = false
    /// From our heartbeat to the peer's that echoes it, without the time that the peer kept it.
    package internal(set) var roundTrip: Duration?

    /// The lives before this one, newest last.
    private var formerIncarnations: [UInt64] = []
    private static let remembered = 8

    package init() {}

    /// Whether the peer has said something newer than this, or has restarted since.
    func isStale(_ heartbeat: HeartbeatExtension) -> Bool {
        if heartbeat.incarnation == incarnation { return heartbeat.sequence < sequence }
        return formerIncarnations.contains(heartbeat.incarnation)
    }

    /// Whether this came already, over another link.
    func isDuplicate(_ heartbeat: HeartbeatExtension) -> Bool {
        guard heartbeat.incarnation == incarnation, heartbeat.sequence <= sequence else { return false }
        let age = sequence - heartbeat.sequence
        return age < UInt64.bitWidth && received >> age & 1 == 1
    }

    /// Takes note of a valid heartbeat.
    mutating func update(_ heartbeat: Heartbeat, at now: MonotonicTime) {
        lastHeard = now
        role = heartbeat.role
        guard let news = heartbeat.extension else {
            forgetExtension()
            kind = .classic
            return
        }
        if news.incarnation != incarnation, incarnation != 0 {
            if formerIncarnations.count == Self.remembered { formerIncarnations.removeFirst() }
            formerIncarnations.append(incarnation)
        }
        let isSameLife = news.incarnation == incarnation
        received = isSameLife ? received << (news.sequence - sequence) | 1 : 1
        kind = .extended
        incarnation = news.incarnation
        sequence = news.sequence
        term = news.term
        timing = news.timing
        flags = news.flags
    }

    /// A peer that was of ours and restarts as a classic one has no term and no incarnation.
    private mutating func forgetExtension() {
        guard kind == .extended else { return }
        let formerIncarnations = formerIncarnations + [incarnation]
        let (role, lastHeard) = (role, lastHeard)
        self = Peer()
        self.formerIncarnations = formerIncarnations.suffix(Self.remembered)
        (self.role, self.lastHeard) = (role, lastHeard)
    }
}
