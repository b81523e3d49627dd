import BinaryStarCore

// What a driver does with its server, step by step: heartbeats, commands, timers, requests, replies, sleep.
extension Simulation {
    func performStep(of server: SimulatedServer) {
        switch server.step {
        case .asleep: return
        case .drain:
            guard !server.heartbeats.isEmpty else { return server.step = .command }
            server.step = .receive(server.heartbeats.removeFirst(), server.reading(at: now))
            comes(server, to: .beforeReceive)
        case .receive(let envelope, let reading):
            server.step = .drain
            receive(envelope, at: server, reading)
        case .command:
            guard !server.commands.isEmpty else {
                comes(server, to: .beforeTick)
                return server.step = .tick
            }
            perform(server.commands.removeFirst(), at: server, server.reading(at: now))
        case .tick: tick(server, server.reading(at: now), thenRequests: false)
        case .tickAtOnce: tick(server, server.reading(at: now), thenRequests: true)
        case .publish(let heartbeat, let reading, let thenRequests):
            history.publications.append(
                History.Service(
                    seat: server.seat, life: server.life, term: heartbeat.extension?.term ?? 0, instant: reading.real))
            send(heartbeat, from: server)
            server.withMember { $0.heartbeatWasSent(at: server.reading(at: now).local) }
            server.step = .request
            if !thenRequests { beginRequests(server) }
        case .request:
            guard server.requestsLeft > 0, !server.requests.isEmpty else {
                server.completionsLeft = server.completions.count
                return server.step = .complete
            }
            server.requestsLeft -= 1
            server.step = .admit(server.requests.removeFirst(), server.reading(at: now))
            comes(server, to: .beforeAdmission)
        case .admit(let request, let reading):
            server.step = .request
            decide(request, at: server, reading)
        case .complete:
            guard server.completionsLeft > 0, !server.completions.isEmpty else { return server.step = .turnEnd }
            server.completionsLeft -= 1
            server.step = .reply(server.completions.removeFirst(), server.reading(at: now))
        case .reply(let request, let reading):
            server.step = .complete
            reply(to: request, from: server, reading)
        case .turnEnd: endTurn(of: server)
        }
    }

    private func beginRequests(_ server: SimulatedServer) {
        server.requestsLeft = SimulatedServer.requestsPerTurn
        server.step = .request
    }

    private func endTurn(of server: SimulatedServer) {
        guard server.heartbeats.isEmpty, server.commands.isEmpty, server.requests.isEmpty else {
            return server.step = .drain
        }
        // What was handled since; a suspect keeps its replies.
        guard server.completions.isEmpty || server.member?.isSuspect ?? false else { return server.step = .drain }
        let deadline: MonotonicTime
        switch server.brain {
        case .ours(let member): deadline = member.nextDeadline
        case .classic(let classic): deadline = classic.nextHeartbeat
        case nil: return
        }
        server.step = .asleep
        server.wakeGeneration += 1
        let wakeUp = max(now + 1_000, server.clock.real(of: deadline)) + random.number(in: 0...300_000)
        queue.schedule(.wake(server.seat, generation: server.wakeGeneration), at: wakeUp)
    }

    // MARK: The clock

    private func tick(_ server: SimulatedServer, _ reading: Reading, thenRequests: Bool) {
        let isOver = thenRequests
        if !isOver { beginRequests(server) } else { server.step = .request }
        if case .classic(let classic) = server.brain {
            guard reading.local >= classic.nextHeartbeat else { return }
            publishClassic(server, reading, thenRequests: thenRequests)
            return
        }
        let before = snapshot(of: server)
        guard
            let (reaction, heartbeat) = server.withMember({ member in
                guard thenRequests || member.nextDeadline <= reading.local else {
                    return (PairMember.Reaction.none, Heartbeat?.none)
                }
                let (mustPublish, reaction) = member.tick(at: reading.local)
                return (reaction, mustPublish ? member.makeHeartbeat(at: reading.local) : nil)
            })
        else { return }
        note(reaction, of: server, since: before, reading, by: .tick)
        guard server.isUp, let heartbeat else { return }
        checkWire(of: heartbeat, from: server)
        server.step = .publish(heartbeat, sentFrom: reading, thenRequests: thenRequests)
        comes(server, to: .beforePublish)
    }

    private func publishClassic(_ server: SimulatedServer, _ reading: Reading, thenRequests: Bool) {
        guard case .classic(let classic) = server.brain else { return }
        classic.heartbeatSent(at: reading.local)
        server.step = .publish(Heartbeat(role: classic.role), sentFrom: reading, thenRequests: thenRequests)
    }

    /// "Frame 2, left out to a peer known to be classic", but for one offer in eight.
    private func checkWire(of heartbeat: Heartbeat, from server: SimulatedServer) {
        guard server.member?.peer.kind == .classic else { return }
        let isPlain = heartbeat.extension == nil
        let isEarly = server.heartbeatsForClassic > server.plainHeartbeats && server.plainHeartbeats < 7
        server.heartbeatsForClassic += 1
        if scenario.wire == .classic, !isPlain { misdeed("wire", "\(server.seat) is not classic") }
        if !isPlain, isEarly { misdeed("wire", "\(server.seat) makes an offer too soon after another") }
        server.plainHeartbeats = isPlain ? server.plainHeartbeats + 1 : 0
        if scenario.wire == .extended, server.plainHeartbeats > 7 {
            misdeed("wire", "\(server.seat) makes no offer to its peer")
        }
    }

    // MARK: Heartbeats

    /// Rule 8: what is not the peer's word is rejected, and changes nothing.
    private func receiveStray(_ envelope: Envelope, at server: SimulatedServer, _ reading: Reading) {
        guard var untouched = server.member else { return }
        // A digit counts when the peer has expired, or was never heard.
        if envelope.heartbeat.extension == nil,
            untouched.peer.kind != .extended || untouched.peerExpiry <= reading.local
                || untouched.nextDeadline < reading.local
        {
            return
        }
        // Looks at the clock, and does nothing else that is compared.
        untouched.peerLinkBroke(at: reading.local)
        guard let result = server.withMember({ $0.receive(envelope.heartbeat, at: reading.local) }),
            let member = server.member
        else { return }
        let isUnchanged =
            member.peer == untouched.peer && member.role == untouched.role && member.term == untouched.term
            && member.peerExpiry == untouched.peerExpiry
        if case .failure = result, isUnchanged { return }
        misdeed("rule 8", "\(server.seat) takes in a heartbeat that is not its peer's")
    }

    private func receive(_ envelope: Envelope, at server: SimulatedServer, _ reading: Reading) {
        if envelope.sender == server.seat { return receiveStray(envelope, at: server, reading) }
        server.heardUpTo = max(server.heardUpTo, envelope.sentAt)
        history.receptions.append(
            History.Reception(
                seat: server.seat, life: server.life, instant: reading.real,
                senderHeardUpTo: envelope.senderHeardUpTo, sentAt: envelope.sentAt,
                senderLife: envelope.senderLife, role: envelope.heartbeat.role,
                isSenderUnhealthy: envelope.heartbeat.extension?.flags.contains(.unhealthy) ?? false))
        let before = snapshot(of: server)
        let peerRole = envelope.heartbeat.role
        if case .classic(let classic) = server.brain {
            do throws(ClassicServer.Aborted) {
                try classic.receive(peerRole, at: reading.local)
                noteDecision(of: server, since: before, reading, peerRole: peerRole)
                noteRoleChange(of: server, since: before, reading, term: 0, cause: "peer \(peerRole)", by: .heartbeat)
            } catch {
                noteDecision(of: server, since: before, reading, peerRole: peerRole, isConflict: true)
                noteConflict(of: server, reading)
            }
            return
        }
        let news = envelope.heartbeat.extension
        let peer = server.member?.peer ?? Peer()
        guard let result = server.withMember({ $0.receive(envelope.heartbeat, at: reading.local) }) else { return }
        checkProof(envelope, at: server, since: before)
        switch result {
        case .failure(let rejection): log("\(server.seat) rejects a heartbeat: \(rejection)")
        case .success(let reaction):
            if news == nil || news?.incarnation != peer.incarnation || (news?.sequence ?? 0) > peer.sequence {
                server.isLinkBroken = false
            }
            noteDecision(
                of: server, since: before, reading, peerRole: peerRole, isConflict: reaction.conflict != nil)
            if let news, news.incarnation != peer.incarnation {
                noteCall(of: server, reading, "a new life of its peer")
            } else if let news, news.sequence > peer.sequence, news.flags.contains(.probe) {
                noteCall(of: server, reading, History.Call.probe)
            }
            note(reaction, of: server, since: before, reading, by: .heartbeat)
            if reaction.transition != nil, server.isUp { comes(server, to: .afterRoleChange) }
        }
    }

    /// What a classic peer said before a stall ended proves nothing of what it did during the stall. A stall that is longer than
    /// a lease is noticed wherever it begins.
    private func checkProof(_ envelope: Envelope, at server: SimulatedServer, since before: Snapshot) {
        guard scenario.pair == .classic(server.seat.other), before.role == .active,
            let member = server.member, member.role == .active, !member.isSuspect,
            let change = history.roleChanges.last(where: { $0.seat == server.seat }),
            history.stalls.contains(where: { stall in
                stall.seat == server.seat && change.instant <= stall.from && stall.from <= envelope.arrivedAt
                    && envelope.arrivedAt < stall.until
                    && stall.until - stall.from > scenario.longestLease(of: server.seat)
            })
        else { return }
        misdeed("rule 5", "\(server.seat) serves after a stall, and its peer's word is from before the end of it")
    }

    // MARK: Requests

    private func decide(_ request: SimulatedRequest, at server: SimulatedServer, _ reading: Reading) {
        let before = snapshot(of: server)
        if case .classic(let classic) = server.brain {
            let isServed = classic.request(at: reading.local) == .serve
            noteDecision(of: server, since: before, reading, isAdmitted: isServed)
            noteRoleChange(of: server, since: before, reading, term: 0, cause: "client request", by: .request)
            if isServed { admit(request, at: server, reading, term: 0) }
            return
        }
        guard
            let (action, term) = server.withMember({ member in
                let action = member.requestArrived(
                    at: reading.local, knowsRefusals: request.knowsRefusals, clientTerm: request.clientTerm)
                return (action, member.term)
            })
        else { return }
        switch action {
        case .admit:
            noteDecision(of: server, since: before, reading, isAdmitted: true)
            admit(request, at: server, reading, term: term)
            comes(server, to: .afterAdmission)
        case .promoteAndAdmit(let transition):
            noteDecision(of: server, since: before, reading, isAdmitted: true)
            note(
                PairMember.Reaction(transition: transition, heldRequests: server.held.isEmpty ? nil : .serve),
                of: server, since: before, reading, by: .request)
            admit(request, at: server, reading, term: term)
            server.step = .tickAtOnce
            comes(server, to: .afterPromotion)
        case .hold:
            noteDecision(of: server, since: before, reading, isHeld: true)
            checkHold(of: request, by: server, since: before, reading)
            guard server.held.count < SimulatedServer.heldAtMost else { return refuse(request, at: server) }
            var request = request
            request.heldSince = now
            log("\(server.seat) holds request \(request.number) of client \(request.client)")
            server.held.append(request)
        case .refuse:
            noteDecision(of: server, since: before, reading)
            if server.drains || server.hasHandedOver {
                misdeed("handover", "\(server.seat) refuses, and its peer does not serve yet")
            }
            refuse(request, at: server)
        }
    }

    /// "A client of ours gets a refusal that names the role and the term, and tries the other server at once", unless the peer
    /// may be gone.
    private func checkHold(
        of request: SimulatedRequest, by server: SimulatedServer, since before: Snapshot, _ reading: Reading
    ) {
        guard request.knowsRefusals, before.role != .active, !before.isHandingOver, !server.isLinkBroken,
            let heard = history.lastHeard(server.seat, server.life, before: reading.real),
            reading.real - heard.instant < scenario.interval(of: server.seat.other) / 100 * 120
        else { return }
        misdeed("refusals", "\(server.seat) keeps a client waiting although its peer lives")
    }

    private func admit(_ request: SimulatedRequest, at server: SimulatedServer, _ reading: Reading, term: UInt64) {
        if server.drains { misdeed("handover", "\(server.seat) serves while it drains") }
        history.admissions.append(
            History.Service(seat: server.seat, life: server.life, term: term, instant: reading.real))
        log("\(server.seat) admits request \(request.number) of client \(request.client)")
        server.inFlight += 1
        var request = request
        request.term = term
        queue.schedule(
            .handled(server.seat, life: server.life, request),
            at: now + Instant.microseconds(random.number(in: 20...3_000)))
    }

    func refuse(_ request: SimulatedRequest, at server: SimulatedServer) {
        // A classic client learns it by silence.
        if request.knowsRefusals, request.client >= 0 { answer(request, from: server, term: 0, isRefusal: true) }
    }

    private func reply(to request: SimulatedRequest, from server: SimulatedServer, _ reading: Reading) {
        // A classic server has no terms.
        var (mayReply, isSuspect, term) = (true, false, UInt64(0))
        if server.member != nil {
            guard
                let result = server.withMember({ ($0.mayReply(at: reading.local), $0.isSuspect, $0.term) })
            else { return }
            (mayReply, isSuspect, term) = result
        }
        guard mayReply else {
            // Held until it is known whether the peer took over, and then sent or dropped.
            if isSuspect { return server.completions.append(request) }
            server.inFlight -= 1
            if server.hasHandedOver { misdeed("handover", "\(server.seat) handed over, and drops a reply") }
            if server.role == .active { misdeed("replies", "\(server.seat) is active, is sure, and drops a reply") }
            return
        }
        server.inFlight -= 1
        guard request.term == term, request.client >= 0 else { return }
        history.replies.append(
            History.Service(seat: server.seat, life: server.life, term: request.term, instant: reading.real))
        answer(request, from: server, term: request.term, isRefusal: false)
    }
}
