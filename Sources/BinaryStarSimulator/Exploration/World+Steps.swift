import BinaryStarCore

// What a move does.
extension World {
    mutating func perform(_ move: Move) {
        let faultsBefore = faultsLeft
        // What the pair needs to heal from a fault begins with it.
        defer { if faultsLeft != faultsBefore { deadlock = 0 } }
        switch move {
        case .start(let seat): start(seat)
        case .deliver(let seat):
            let flight = nodes[seat].inbox.removeFirst()
            receive(flight.heartbeat, at: seat)
        case .deliverDuplicate(let seat):
            guard let flight = nodes[seat].duplicate else { return }
            nodes[seat].duplicate = nil
            receive(flight.heartbeat, at: seat)
        case .tick(let seat):
            tick(seat)
            send(from: seat)
        case .send(let seat): send(from: seat)
        case .ask(let client, let seat): ask(client, seat)
        case .reply(let client, let seat): reply(to: client, from: seat)
        case .giveUp(let client, let seat): nodes[seat].requests[client] = .none
        case .linkDropped(let seat): learnOfDroppedLink(seat)
        case .refused(let seat): learnOfRefusal(seat)
        case .stepDown(let seat): stepDown(seat)
        case .rest(let seat): rest(seat)
        case .lose(let seat):
            faultsLeft -= 1
            lose(nodes[seat].inbox.removeFirst(), to: seat)
        case .delay(let seat):
            faultsLeft -= 1
            nodes[seat].inbox[0].isHere = false
        case .duplicate(let seat):
            faultsLeft -= 1
            nodes[seat].duplicate = nodes[seat].inbox[0]
            perform(.deliver(to: seat))
        case .tickAndStall(let seat):
            faultsLeft -= 1
            tick(seat)
            nodes[seat].isStalled = true
        case .crash(let seat, let losesInFlight): crash(seat, losesInFlight: losesInFlight)
        case .drain(let seat):
            faultsLeft -= 1
            act(seat) { member, _ in member.isDraining = true }
            nodes[seat].isDraining = true
            nodes[seat].watch.drains = true
        case .sicken(let seat):
            faultsLeft -= 1
            act(seat) { member, _ in member.isHealthy = false }
            nodes[seat].watch.isIll = true
        case .pause(let seat):
            faultsLeft -= 1
            act(seat) { member, _ in member.isPaused = true }
            nodes[seat].watch.isPaused = true
        case .subscribe(let seat):
            faultsLeft -= 1
            act(seat) { $0.wasSubscribedTo(at: $1) }
        case .promote(let seat):
            faultsLeft -= 1
            if case .success(let reaction) = act(seat, { $0.promote(at: $1) }) { settle(reaction, of: seat) }
        }
    }

    /// Calls the member at the present instant: the process has the processor.
    @discardableResult
    private mutating func act<Result>(_ seat: Seat, _ body: (inout PairMember, MonotonicTime) -> Result) -> Result {
        let now = clock(of: seat)
        nodes[seat].isStalled = false
        guard var member = nodes[seat].member.take() else { preconditionFailure("the process does not run") }
        let deadline = member.nextDeadline
        defer {
            nodes[seat].mustTick = member.nextDeadline <= now && member.nextDeadline != deadline
            nodes[seat].member = member
        }
        return body(&member, now)
    }

    // MARK: Lives

    private mutating func start(_ seat: Seat) {
        nodes[seat].life += 1
        nodes[seat].member = PairMember(
            configuration: PairMember.Configuration(seat: seat, timing: bounds.timing),
            incarnation: Self.incarnation(of: seat, life: nodes[seat].life), termFloor: nodes[seat].keptTerm,
            now: clock(of: seat))
    }

    private mutating func crash(_ seat: Seat, losesInFlight: Bool) {
        faultsLeft -= 1
        var node = Node()
        node.life = nodes[seat].life
        node.keptTerm = nodes[seat].keptTerm
        node.watch.minted = nodes[seat].watch.minted
        nodes[seat] = node
        if losesInFlight {
            nodes[seat.other].inbox = []
            nodes[seat.other].duplicate = nil
        }
        // What was lost on the way to it, it would not know anyway.
        nodes[seat.other].watch.lost = nil
        if nodes[seat.other].member != nil { nodes[seat.other].linkDropped = true }
    }

    // MARK: Heartbeats

    private mutating func receive(_ heartbeat: Heartbeat, at seat: Seat) {
        let termBefore = nodes[seat].watch.term
        let peerBefore = nodes[seat].member?.peer
        // What came before, by another link, is no failure, and changes nothing.
        guard case .success(let reaction) = act(seat, { $0.receive(heartbeat, at: $1) }),
            nodes[seat].member?.peer != peerBefore
        else { return }
        if let life = heartbeat.extension?.incarnation { nodes[seat].heardLives |= 1 << life }
        noteProof(in: heartbeat, for: seat)
        settle(reaction, of: seat)
        judgeReception(of: heartbeat, by: seat, termBefore: termBefore)
    }

    private mutating func tick(_ seat: Seat) {
        let (heartbeat, reaction) = act(seat) { member, now in
            let (mustPublish, reaction) = member.tick(at: now)
            return (mustPublish ? member.makeHeartbeat(at: now) : nil, reaction)
        }
        nodes[seat].unsent = heartbeat
        if heartbeat != nil { noteMade(by: seat) }
        settle(reaction, of: seat)
    }

    private mutating func send(from seat: Seat) {
        nodes[seat].isStalled = false
        guard let heartbeat = nodes[seat].unsent.take() else { return }
        act(seat) { $0.heartbeatWasSent(at: $1) }
        if heartbeat.role == .active { nodes[seat].watch.saidActive = 0 }
        let receiver = seat.other
        guard nodes[receiver].member != nil else { return }
        // A process that was away finds the newest ones when it comes back.
        if nodes[receiver].inbox.count == Bounds.inFlight { nodes[receiver].inbox.removeFirst() }
        nodes[receiver].inbox.append(Flight(heartbeat: heartbeat))
    }

    private mutating func lose(_ flight: Flight, to seat: Seat) {
        guard let news = flight.heartbeat.extension, let sender = nodes[seat.other].member,
            sender.incarnation == news.incarnation
        else { return }
        nodes[seat.other].watch.lost = max(nodes[seat.other].watch.lost ?? 0, news.sequence)
    }

    // MARK: Requests

    private mutating func ask(_ client: Int, _ seat: Seat) {
        let isOurs = Self.isOurs(client: client)
        let termSeen = termSeen
        hasAsked[client] = true
        var action = act(seat) {
            $0.requestArrived(at: $1, knowsRefusals: isOurs, clientTerm: isOurs ? termSeen : 0)
        }
        if bounds.flaw == .servesByRole, nodes[seat].member?.isSuspect ?? false, action == .hold { action = .admit }
        switch action {
        case .admit: admit(client, by: seat)
        case .promoteAndAdmit(let transition):
            settle(PairMember.Reaction(transition: transition, heldRequests: .serve), of: seat)
            admit(client, by: seat)
        case .hold: nodes[seat].requests[client] = .held
        case .refuse: refuse(client, by: seat)
        }
    }

    private mutating func admit(_ client: Int, by seat: Seat) {
        let term = nodes[seat].member?.term ?? 0
        judgeAdmission(by: seat, of: client, term: term)
        nodes[seat].requests[client] = .admitted(term)
    }

    private mutating func refuse(_ client: Int, by seat: Seat) {
        nodes[seat].requests[client] = .none
        // The refusal names the highest term that the server knows.
        if Self.isOurs(client: client) {
            termSeen = max(termSeen, nodes[seat].member?.term ?? 0)
        }
    }

    private mutating func reply(to client: Int, from seat: Seat) {
        guard case .admitted(let term) = nodes[seat].requests[client] else { return }
        var (mayReply, isSuspect) = act(seat) { ($0.mayReply(at: $1), $0.isSuspect) }
        if bounds.flaw == .servesByRole, isSuspect { (mayReply, isSuspect) = (true, false) }
        guard !isSuspect else { return }
        nodes[seat].requests[client] = .none
        if !mayReply, nodes[seat].watch.term != 0 { report("replies: \(seat) is active, is sure, and drops a reply") }
        guard mayReply, term == nodes[seat].member?.term else { return }
        judgeReply(by: seat)
        if Self.isOurs(client: client) { termSeen = max(termSeen, term) }
    }

    // MARK: The peer's death, and commands

    private mutating func learnOfDroppedLink(_ seat: Seat) {
        nodes[seat].linkDropped = false
        let heard = act(seat) { member, now in
            member.peerLinkBroke(at: now)
            return member.peer.incarnation
        }
        guard nodes[seat.other].member == nil else { return }
        nodes[seat].refusal = Node.Refusal(askedAt: now - nodes[seat].clockLag, incarnation: heard)
    }

    private mutating func learnOfRefusal(_ seat: Seat) {
        guard let refusal = nodes[seat].refusal.take() else { return }
        let reaction = act(seat) { member, now in
            // One that was heard since has started again.
            guard member.peer.incarnation == refusal.incarnation else { return PairMember.Reaction.none }
            return member.peerDied(at: now, askedAt: MonotonicTime(nanoseconds: Int64(refusal.askedAt)))
        }
        settle(reaction, of: seat)
    }

    private mutating func stepDown(_ seat: Seat) {
        nodes[seat].isDraining = false
        switch act(seat, { $0.stepDown(at: $1) }) {
        case .success(let transition): settle(PairMember.Reaction(transition: transition), of: seat)
        case .failure:
            act(seat) { member, _ in member.isDraining = false }
            nodes[seat].watch.drains = false
            settle(PairMember.Reaction(heldRequests: .serve), of: seat)
        }
    }

    // MARK: Reactions

    private mutating func settle(_ reaction: PairMember.Reaction, of seat: Seat) {
        if let conflict = reaction.conflict { report("rule 3: \(seat) aborts: \(conflict)") }
        if let transition = reaction.transition {
            judge(transition, of: seat)
            if transition.to == .active {
                nodes[seat].keptTerm = max(nodes[seat].keptTerm, transition.term)
            }
        }
        guard let decision = reaction.heldRequests else { return }
        for client in 0..<bounds.clients where nodes[seat].requests[client] == .held {
            switch decision {
            case .serve: ask(client, seat)
            case .refuse: refuse(client, by: seat)
            }
        }
    }

    // MARK: Time

    private mutating func rest(_ seat: Seat) {
        if !isUpToDate(seat) {
            faultsLeft -= 1
            nodes[seat].isStalled = true
        }
        guard seat == .backup else {
            turn = .backup
            return
        }
        turn = .primary
        now += 1
        hasAsked = SIMDMask(repeating: false)
        for seat in Seat.allCases {
            for index in nodes[seat].inbox.indices {
                nodes[seat].inbox[index].isHere = true
                nodes[seat].inbox[index].age = min(nodes[seat].inbox[index].age + 1, max(2, bounds.transit ?? 0))
            }
            if nodes[seat].isStalled, bounds.flaw == .clockStopsInStalls { nodes[seat].clockLag += 1 }
        }
        noteTick()
    }
}
