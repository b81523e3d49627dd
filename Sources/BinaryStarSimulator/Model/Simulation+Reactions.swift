import BinaryStarCore

// What a driver does with its server's reactions, and what is written down about them.
extension Simulation {
    /// What was seen of a server before an event.
    struct Snapshot {
        var role: Role
        var isSuspect = false
        var isHandingOver = false
        var isHeldBack = false
    }

    func snapshot(of server: SimulatedServer) -> Snapshot {
        guard let member = server.member else { return Snapshot(role: server.role ?? .primary) }
        return Snapshot(
            role: member.role, isSuspect: member.isSuspect, isHandingOver: member.isHandingOver,
            isHeldBack: member.isPaused || !member.isHealthy || member.isDraining)
    }

    func note(
        _ reaction: PairMember.Reaction, of server: SimulatedServer, since before: Snapshot, _ reading: Reading,
        by trigger: History.Trigger
    ) {
        if let transition = reaction.transition {
            noteRoleChange(
                of: server, since: before, reading, term: transition.term, cause: "\(transition.cause)", by: trigger,
                evenIfSame: true)
            noteCall(of: server, reading, "the change to \(transition.to)")
            server.hasHandedOver = transition.cause == .stepDown
            server.drains = server.drains && before.role == .active && transition.to == .active
        }
        if reaction.conflict != nil { return noteConflict(of: server, reading) }
        switch reaction.heldRequests {
        case .serve:
            // Each is decided about anew, at an instant of its own.
            server.requests.insert(contentsOf: server.held, at: 0)
            server.held = []
        case .refuse:
            let mayTakeOver = before.role == .primary || before.role == .passive
            if trigger == .tick, !server.held.isEmpty, mayTakeOver, !before.isHandingOver, !before.isHeldBack {
                misdeed("held requests", "\(server.seat) refuses them although its peer is gone")
            }
            for request in server.held { refuse(request, at: server) }
            server.held = []
        case nil: break
        }
    }

    func noteRoleChange(
        of server: SimulatedServer, since before: Snapshot, _ reading: Reading, term: UInt64, cause: String,
        by trigger: History.Trigger, evenIfSame: Bool = false
    ) {
        guard let role = server.role, evenIfSame || role != before.role else { return }
        server.keptTerm = max(server.keptTerm, term)
        history.roleChanges.append(
            History.RoleChange(
                seat: server.seat, life: server.life, from: before.role, to: role, term: term, cause: cause,
                instant: reading.real, trigger: trigger))
        log("\(server.seat): \(before.role) -> \(role), term \(term), by \(cause)")
    }

    func noteConflict(of server: SimulatedServer, _ reading: Reading) {
        let isClassic = scenario.pair == .classic(server.seat)
        history.conflicts.append(
            History.Conflict(seat: server.seat, instant: reading.real, isClassic: isClassic))
        log("\(server.seat) ends on a conflict")
        crash(server, downFor: Instant.milliseconds(random.number(in: 500...3_000)), losesInFlight: false)
    }

    /// Writes down an event and its outcome if the pair has a classic server: there the table holds.
    func noteDecision(
        of server: SimulatedServer, since before: Snapshot, _ reading: Reading, peerRole: Role? = nil,
        isAdmitted: Bool = false, isConflict: Bool = false, isHeld: Bool = false
    ) {
        guard scenario.pair != .ours, let role = server.role else { return }
        let isSuspect = server.member?.isSuspect ?? false
        history.decisions.append(
            History.Decision(
                seat: server.seat, life: server.life, instant: reading.real, from: before.role, to: role,
                peerRole: peerRole, isAdmitted: isAdmitted, isConflict: isConflict,
                isHeld: isHeld,
                isExempt: before.isSuspect || isSuspect || before.isHandingOver || before.isHeldBack))
    }

    /// Writes down that a server has to publish at once.
    func noteCall(of server: SimulatedServer, _ reading: Reading, _ what: String) {
        guard scenario.pair == .ours, server.isUp else { return }
        history.calls.append(
            History.Call(seat: server.seat, life: server.life, instant: reading.real, what: what))
    }

    func misdeed(_ rule: String, _ text: String) {
        history.misdeeds.append(Violation(rule: rule, instant: now, text: text))
    }

    private func beginSpan(of seat: Seat, in spans: inout [History.Span]) {
        guard !spans.contains(where: { $0.seat == seat && $0.until == .max }) else { return }
        spans.append(History.Span(seat: seat, from: now, until: .max))
    }

    func endSpan(of seat: Seat, in spans: inout [History.Span]) {
        guard let index = spans.lastIndex(where: { $0.seat == seat && $0.until == .max }) else { return }
        spans[index].until = now
    }

    // MARK: Commands

    /// A command reaches a process. A dropped link makes it ask the peer's port at once, as soon as it has the processor.
    func accept(_ command: Command, at server: SimulatedServer) {
        guard case .peerLinkDropped = command else {
            server.commands.append(command)
            return wake(server)
        }
        guard now >= server.stalledUntil else {
            return queue.schedule(
                .command(server.seat, life: server.life, command), at: server.stalledUntil + .microseconds(500))
        }
        server.commands.append(command)
        wake(server)
        // A new life listens already, and so does one whose connection alone broke.
        guard !self.server(server.seat.other).isUp else { return }
        server.commands.append(.peerDied(askedAt: server.reading(at: now).local))
        comes(server, to: .beforeProofOfDeath)
        wake(server)
    }

    func perform(_ command: Command, at server: SimulatedServer, _ reading: Reading) {
        guard server.member != nil else { return }
        let before = snapshot(of: server)
        let now = reading.local
        log("\(server.seat) is told: \(command)")
        switch command {
        case .peerLinkDropped:
            server.withMember { $0.peerLinkBroke(at: now) }
            server.isLinkBroken = true
        case .peerDied(let asked):
            if let reaction = server.withMember({ $0.peerDied(at: now, askedAt: asked) }) {
                checkDeath(of: server.seat.other, noticedBy: server, reading, askedAt: asked)
                note(reaction, of: server, since: before, reading, by: .command)
            }
        case .beginStepDown: beginStepDown(of: server, at: now)
        case .stepDown:
            // Requests that are being handled are waited for.
            guard server.inFlight == 0 else { return order(.stepDown, server, after: 100...5_000) }
            if case .success(let transition)? = server.withMember({ $0.stepDown(at: now) }) {
                note(
                    PairMember.Reaction(transition: transition), of: server, since: before, reading, by: .command)
            } else {
                server.withMember { $0.isDraining = false }
                server.drains = false
                note(PairMember.Reaction(heldRequests: .serve), of: server, since: before, reading, by: .command)
            }
        case .subscribed:
            server.withMember { $0.wasSubscribedTo(at: now) }
            noteCall(of: server, reading, "a subscription")
        case .promote:
            if case .success(let reaction)? = server.withMember({ $0.promote(at: now) }) {
                note(reaction, of: server, since: before, reading, by: .command)
            }
        case .pause(let isPaused):
            server.withMember { $0.isPaused = isPaused }
            if isPaused { beginSpan(of: server.seat, in: &history.pauses) }
            if !isPaused { endSpan(of: server.seat, in: &history.pauses) }
        case .health(let isHealthy):
            server.withMember { $0.isHealthy = isHealthy }
            if isHealthy { return endSpan(of: server.seat, in: &history.illnesses) }
            beginSpan(of: server.seat, in: &history.illnesses)
            beginStepDown(of: server, at: now)
        }
    }

    /// "The process is gone: the peer expires at once."
    private func checkDeath(
        of seat: Seat, noticedBy server: SimulatedServer, _ reading: Reading, askedAt asked: MonotonicTime
    ) {
        guard let heard = history.lastHeard(server.seat, server.life, before: reading.real),
            history.life(seat, heard.senderLife)?.end != nil,
            reading.local - asked < scenario.timing[server.seat.index].interval,
            server.member?.isPeerExpired(at: reading.local) == false
        else { return }
        misdeed("death", "\(server.seat) knows that its peer is gone, and waits for it")
    }

    private func beginStepDown(of server: SimulatedServer, at now: MonotonicTime) {
        guard let member = server.member, !member.isDraining, member.refusesStepDown(at: now) == nil else { return }
        server.withMember { $0.isDraining = true }
        server.drains = true
        order(.stepDown, server, after: 100...30_000)
    }

    private func order(_ command: Command, _ server: SimulatedServer, after microseconds: ClosedRange<Int64>) {
        let delay = Instant.microseconds(random.number(in: microseconds))
        queue.schedule(.command(server.seat, life: server.life, command), at: now + delay)
    }
}
