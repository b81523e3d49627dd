import BinaryStarCore

/// What an onlooker remembers of a process to judge it: nothing of it comes from how the core decides.
struct Watch: Hashable {
    /// The term of the activation by which it is active; 0 if it is not.
    var term: UInt64 = 0
    /// The terms that this seat has minted, over all lives, as bits: few are.
    var minted: UInt64 = 0
    /// How many heartbeats it has made in this life.
    var made: UInt64 = 0
    /// Ticks since it has made the last one, or became active: up to a lease.
    var silence = 0
    /// After a stall: it has to hear an echo of a later heartbeat than this one.
    var mustProveAfter: UInt64?
    /// Ticks since it has last sent that it is active: up to a timeout. `nil`: it has not.
    var saidActive: Int?
    /// Ticks since it has last taken in a heartbeat: up to a timeout.
    var deafness = 0
    /// The newest life of the other that it has heard, and the newest heartbeat of that one.
    var heardLife: UInt64 = 0
    var heardSequence: UInt64 = 0
    /// Whether the other became active after it.
    var overtaken = Overtaken.no
    /// For how many ticks it has waited in its seat, after it handed over, for a peer that was silent for a timeout.
    var waiting: Int?
    /// Whether it cannot serve, and whether an operator suspended automatic failover.
    var isIll = false
    var isPaused = false
    /// Whether it was told to drain while it is active.
    var drains = false
    /// The newest of its heartbeats that was lost, until the other has heard it or a later one.
    var lost: UInt64?

    enum Overtaken: Hashable {
        case no
        /// While the link to the other did not work, so that neither can know.
        case unknowingly
        case yes
    }
}

// The rules, each as far as it can be judged at one step.
extension World {
    /// Of a heartbeat that is not lost, in ticks.
    private static let longestTransit = 2

    // MARK: Service

    /// Rules 2, 4 and 5: who may serve.
    mutating func judgeAdmission(by seat: Seat, of client: Int, term: UInt64) {
        let watch = nodes[seat].watch
        if watch.term == 0 { report("rule 2: \(seat) serves and is not active") }
        if watch.overtaken == .yes { report("rule 2: \(seat) serves after \(seat.other) became active") }
        if watch.drains { report("handover: \(seat) serves while it drains") }
        if watch.mustProveAfter != nil { report("rule 5: \(seat) serves after a stall, and has heard nothing since") }
        if Self.isOurs(client: client), term < termSeen {
            report("rule 4: \(seat) serves in term \(term) a client that has seen \(termSeen)")
        }
    }

    /// Rule 5: "and sends no reply".
    mutating func judgeReply(by seat: Seat) {
        if nodes[seat].watch.mustProveAfter != nil {
            report("rule 5: \(seat) replies after a stall, and has heard nothing since")
        }
    }

    // MARK: Changes

    mutating func judge(_ transition: Transition, of seat: Seat) {
        if transition.to == .active {
            judgeActivation(transition, of: seat)
        } else {
            // "The higher term stays."
            if transition.from == .active, transition.to == .passive, transition.term <= nodes[seat].watch.term {
                report("rule 3: \(seat) gives way in term \(nodes[seat].watch.term), and knows no higher one")
            }
            if transition.cause == .stepDown, nodes[seat].watch.deafness == bounds.timeout {
                report("handover: \(seat) leaves the service to a peer that was silent for a timeout")
            }
            nodes[seat].watch.term = 0
            nodes[seat].watch.drains = false
            nodes[seat].watch.waiting = transition.cause == .stepDown ? 0 : nil
            nodes[seat].watch.overtaken = .no
            nodes[seat].watch.mustProveAfter = nil
            nodes[seat].watch.saidActive = nil
        }
    }

    private mutating func judgeActivation(_ transition: Transition, of seat: Seat) {
        let other = nodes[seat.other].watch
        let isByVote = transition.cause.isVote || transition.cause == .promote
        if transition.from != .active {
            if nodes[seat].watch.isIll { report("health: \(seat) becomes active, and cannot serve") }
            if nodes[seat].watch.isPaused, isByVote, transition.cause != .promote {
                report("pause: \(seat) becomes active by a vote")
            }
        }
        if transition.from != .active || isByVote {
            if other.term != 0 {
                let isLinked = other.lost == nil
                // Fresh words of the peer are proof over any link; silence is none over a broken one.
                nodes[seat.other].watch.overtaken = isLinked || !isByVote ? .yes : .unknowingly
                if isLinked, let saidActive = other.saidActive, saidActive > Self.longestTransit {
                    report("rule 9: \(seat) becomes active (\(transition.cause)) while its peer serves, and says so")
                }
            }
            nodes[seat].watch.overtaken = .no
            nodes[seat].watch.mustProveAfter = nil
        } else if other.term == 0 {
            // It has a term above that in which the other served, and gave way.
            nodes[seat].watch.overtaken = .no
        }
        let (bit, own) = (UInt64(1) << transition.term, nodes[seat].watch.minted)
        if other.minted & bit != 0 { report("terms: both minted \(transition.term)") }
        if own >= bit { report("terms: \(seat) mints \(transition.term) after one that was not lower") }
        nodes[seat].watch.minted |= bit
        nodes[seat].watch.term = transition.term
        nodes[seat].watch.waiting = nil
        nodes[seat].watch.saidActive = nil
        if nodes[seat].watch.silence >= bounds.lease { nodes[seat].watch.silence = 0 }
    }

    /// A heartbeat was taken in, and nothing was done about it yet: rule 5 asks for the peer's answer after the stall.
    mutating func noteProof(in heartbeat: Heartbeat, for seat: Seat) {
        guard let last = nodes[seat].watch.mustProveAfter, heartbeat.role != .active,
            let echo = heartbeat.extension?.echo,
            echo.incarnation == World.incarnation(of: seat, life: nodes[seat].life), echo.sequence > last
        else { return }
        nodes[seat].watch.mustProveAfter = nil
    }

    /// A heartbeat was taken in, and is no duplicate.
    mutating func judgeReception(of heartbeat: Heartbeat, by seat: Seat, termBefore: UInt64) {
        guard let news = heartbeat.extension, let member = nodes[seat].member else { return }
        let (life, sequence) = (nodes[seat].watch.heardLife, nodes[seat].watch.heardSequence)
        if news.incarnation < life || news.incarnation == life && news.sequence <= sequence {
            report("heartbeats: \(seat) takes in what is not newer than what it has heard already")
        }
        (nodes[seat].watch.heardLife, nodes[seat].watch.heardSequence) = (news.incarnation, news.sequence)
        nodes[seat].watch.deafness = 0
        if let lost = nodes[seat.other].watch.lost, news.sequence >= lost,
            news.incarnation == World.incarnation(of: seat.other, life: nodes[seat.other].life)
        {
            nodes[seat.other].watch.lost = nil
        }
        if heartbeat.role != .active, member.role == .active, !member.isSuspect, member.term < news.term {
            report("terms: \(seat) goes on in term \(member.term), and its peer knows \(news.term)")
        }
        if heartbeat.role == .active, termBefore != 0 {
            // "The higher term stays and the lower goes passive within one round trip."
            if news.term > termBefore, member.role == .active {
                report("rule 3: \(seat) in term \(termBefore) stays active beside term \(news.term)")
            }
            if news.term < termBefore, member.role != .active {
                report("rule 3: \(seat) in term \(termBefore) gives way to term \(news.term)")
            }
        }
    }

    // MARK: Heartbeats and time

    mutating func noteMade(by seat: Seat) {
        nodes[seat].watch.made += 1
        nodes[seat].watch.silence = 0
    }

    mutating func noteTick() {
        for seat in Seat.allCases {
            let isActive = nodes[seat].watch.term != 0
            nodes[seat].watch.deafness = min(nodes[seat].watch.deafness + 1, bounds.timeout)
            nodes[seat].watch.silence = min(nodes[seat].watch.silence + 1, bounds.lease)
            if isActive, nodes[seat].watch.silence == bounds.lease, nodes[seat].watch.mustProveAfter == nil {
                nodes[seat].watch.mustProveAfter = nodes[seat].watch.made
            }
            if let saidActive = nodes[seat].watch.saidActive {
                // By then the other may have missed it for a whole timeout.
                nodes[seat].watch.saidActive = saidActive + 1 < bounds.timeout ? saidActive + 1 : nil
            }
        }
        noteDeadlock()
        for seat in Seat.allCases { noteFailedHandover(of: seat) }
    }

    /// "If that peer then expires before it was heard as active, we turn passive, so that votes bring us back."
    private mutating func noteFailedHandover(of seat: Seat) {
        guard let waiting = nodes[seat].watch.waiting else { return }
        let isWaiting = !nodes[seat].isStalled && nodes[seat].watch.deafness == bounds.timeout
        nodes[seat].watch.waiting = isWaiting ? waiting + 1 : 0
        if waiting > bounds.timeout { report("liveness: \(seat) handed over to nobody, and waits") }
    }

    /// Two servers that hear each other do not need a vote: one of them is active, and the other is not.
    private mutating func noteDeadlock() {
        let roles = Seat.allCases.map { nodes[$0].member?.role }
        let isHealing = Seat.allCases.allSatisfy {
            nodes[$0].member != nil && !nodes[$0].isStalled && nodes[$0].watch.lost == nil
        }
        let ill = Seat.allCases.count { nodes[$0].watch.isIll }
        let active = roles.count { $0 == .active }
        deadlock = isHealing && active != 1 && (active == 2 || ill < 2) ? deadlock + 1 : 0
        // The next heartbeat, and one round trip; a server that cannot serve turns passive first, and takes its seat again.
        let healing = bounds.interval + 2 * Self.longestTransit
        guard deadlock > healing * (ill == 0 ? 1 : 3) else { return }
        report(active == 2 ? "rule 3: both stay active" : "liveness: nobody becomes active")
    }
}
