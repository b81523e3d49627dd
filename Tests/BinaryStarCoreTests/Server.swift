import BinaryStarCore

extension MonotonicTime {
    /// Milliseconds after the start of a test, which is not the clock's zero.
    static func at(_ milliseconds: Int64) -> MonotonicTime {
        MonotonicTime(nanoseconds: 7_000_000_000 + milliseconds * 1_000_000)
    }
}

extension HeartbeatTiming {
    /// What the tests run with: a stall is above 100 ms, a lease is 200 ms.
    static let brisk = HeartbeatTiming(interval: .milliseconds(100), timeout: .milliseconds(300))
}

/// One server of a pair, driven as the contract of `PairMember` asks for.
struct Server {
    var member: PairMember
    /// What has arrived from the peer and is not handled yet.
    var inbox: [Heartbeat] = []
    /// What was published and is not sent yet.
    var outbox: [Heartbeat] = []

    private(set) var transitions: [Transition] = []
    private(set) var conflicts: [Conflict] = []
    private(set) var rejections: [HeartbeatRejection] = []
    private(set) var heldRequests: [PairMember.Reaction.HeldRequests] = []

    init(
        _ configuration: PairMember.Configuration,
        incarnation: UInt64 = 1,
        termFloor: UInt64 = 0,
        now: MonotonicTime = .at(0)
    ) {
        member = PairMember(configuration: configuration, incarnation: incarnation, termFloor: termFloor, now: now)
    }

    init(
        _ seat: Seat = .primary,
        timing: HeartbeatTiming = .brisk,
        wire: HeartbeatWire = .extended,
        policy: ConflictPolicy = .failStop,
        termFloor: UInt64 = 0
    ) {
        self.init(
            .init(seat: seat, timing: timing, wire: wire, conflictPolicy: policy),
            incarnation: seat == .primary ? 1 : 2, termFloor: termFloor)
    }

    /// One turn of a driver: what the peer said, then what is due.
    mutating func turn(at now: MonotonicTime) {
        let arrived = inbox
        inbox = []
        for heartbeat in arrived { hear(heartbeat, at: now) }
        tick(at: now)
    }

    mutating func tick(at now: MonotonicTime) {
        let (mustPublish, reaction) = member.tick(at: now)
        note(reaction)
        guard mustPublish else { return }
        outbox.append(member.makeHeartbeat(at: now))
        member.heartbeatWasSent(at: now)
    }

    /// Alone: each deadline is kept to the nanosecond, and nothing is heard.
    mutating func run(until end: MonotonicTime) {
        while member.nextDeadline <= end { tick(at: member.nextDeadline) }
    }

    @discardableResult
    mutating func hear(_ heartbeat: Heartbeat, at now: MonotonicTime) -> Result<PairMember.Reaction, HeartbeatRejection>
    {
        let result = member.receive(heartbeat, at: now)
        switch result {
        case .success(let reaction): note(reaction)
        case .failure(let rejection): rejections.append(rejection)
        }
        return result
    }

    /// Hears a classic peer.
    @discardableResult
    mutating func hear(_ role: Role, at now: MonotonicTime) -> Result<PairMember.Reaction, HeartbeatRejection> {
        hear(Heartbeat(role: role), at: now)
    }

    mutating func request(
        at now: MonotonicTime,
        knowsRefusals: Bool = false,
        clientTerm: UInt64 = 0,
        isAutomatic: Bool = false
    ) -> PairMember.RequestAction {
        let action = member.requestArrived(
            at: now, knowsRefusals: knowsRefusals, clientTerm: clientTerm, isAutomatic: isAutomatic)
        if case .promoteAndAdmit(let transition) = action { transitions.append(transition) }
        return action
    }

    mutating func note(_ reaction: PairMember.Reaction) {
        if let transition = reaction.transition { transitions.append(transition) }
        if let conflict = reaction.conflict { conflicts.append(conflict) }
        if let held = reaction.heldRequests { heldRequests.append(held) }
    }

    mutating func note(_ transition: Transition) { transitions.append(transition) }

    /// What an extended peer would echo now.
    func echo(age: Duration = .zero) -> HeartbeatExtension.Echo? {
        let sequence = outbox.last?.extension?.sequence
        return sequence.map { .init(incarnation: member.incarnation, sequence: $0, age: age) }
    }
}

extension PairMember.RequestAction {
    /// Whether the request is served at once.
    var isAdmission: Bool {
        switch self {
        case .admit, .promoteAndAdmit: true
        case .hold, .refuse: false
        }
    }
}

extension Heartbeat {
    /// What an extended peer says.
    static func extended(
        _ role: Role,
        seat: Seat,
        incarnation: UInt64 = 77,
        sequence: UInt64,
        term: UInt64 = 0,
        timing: HeartbeatTiming = .brisk,
        echo: HeartbeatExtension.Echo? = nil,
        flags: HeartbeatExtension.Flags = []
    ) -> Heartbeat {
        Heartbeat(
            role: role,
            extension: HeartbeatExtension(
                pairName: "", seat: seat, incarnation: incarnation, sequence: sequence, term: term, timing: timing,
                echo: echo, flags: flags))
    }
}
