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
        _ reaction: PairMember.Reaction, of server: SimulatedServer, since before: Snapshot, _ reading: Reading
    ) {
        if let transition = reaction.transition {
            noteRoleChange(
                of: server, since: before, reading, term: transition.term, cause: "\(transition.cause)",
                evenIfSame: true)
        }
        if reaction.conflict != nil { return noteConflict(of: server, reading) }
        switch reaction.heldRequests {
        case .serve:
            // Each is decided about anew, at an instant of its own.
            server.requests.insert(contentsOf: server.held, at: 0)
            server.held = []
        case .refuse:
            for request in server.held { refuse(request, at: server) }
            server.held = []
        case nil: break
        }
    }

    func noteRoleChange(
        of server: SimulatedServer, since before: Snapshot, _ reading: Reading, term: UInt64, cause: String,
        evenIfSame: Bool = false
    ) {
        guard let role = server.role, evenIfSame || role != before.role else { return }
        server.keptTerm = max(server.keptTerm, term)
        history.roleChanges.append(
            History.RoleChange(
                seat: server.seat, life: server.life, from: before.role, to: role, term: term, cause: cause,
                instant: reading.real))
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
        isAdmitted: Bool = false, isConflict: Bool = false
    ) {
        guard scenario.pair != .ours, let role = server.role else { return }
        let isSuspect = server.member?.isSuspect ?? false
        history.decisions.append(
            History.Decision(
                seat: server.seat, life: server.life, instant: reading.real, from: before.role, to: role,
                peerRole: peerRole, isAdmitted: isAdmitted, isConflict: isConflict,
                isExempt: before.isSuspect || isSuspect || before.isHandingOver || before.isHeldBack))
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
        // A new life listens already.
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
        case .peerLinkDropped: return
        case .peerDied(let asked):
            if let reaction = server.withMember({ $0.peerDied(at: now, askedAt: asked) }) {
                note(reaction, of: server, since: before, reading)
            }
        case .beginStepDown:
            server.withMember { if $0.refusesStepDown(at: now) == nil { $0.isDraining = true } }
            let drained = Instant.microseconds(random.number(in: 100...30_000))
            queue.schedule(.command(server.seat, life: server.life, .stepDown), at: self.now + drained)
        case .stepDown:
            if case .success(let transition)? = server.withMember({ $0.stepDown(at: now) }) {
                note(PairMember.Reaction(transition: transition), of: server, since: before, reading)
            } else {
                server.withMember { $0.isDraining = false }
            }
        case .promote:
            if case .success(let reaction)? = server.withMember({ $0.promote(at: now) }) {
                note(reaction, of: server, since: before, reading)
            }
        case .pause(let isPaused): server.withMember { $0.isPaused = isPaused }
        case .health(let isHealthy): server.withMember { $0.isHealthy = isHealthy }
        }
    }
}
