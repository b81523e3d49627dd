import BinaryStarCore
import Logging
import ZeroMQ

extension BinaryStar {
    func finish(_ pass: inout Voter.Pass, of voter: Voter) {
        voter.spare = pass.spare.take()
        statistics.requestsAdmitted += pass.admitted
        statistics.requestsRefused += pass.refused
        statistics.repliesSent += pass.replied
        guard pass.handled > 0 else { return }
        statistics.handlersEnded += pass.handled
        statistics.handlerTime += .nanoseconds(pass.handlerTime)
        metrics?.handlerTook(pass.latestHandlerTime)
    }

    /// Reads requests until there are none, the voter's limit is reached or the turn's time is up.
    func drain(voter id: Int) {
        guard let voter = sockets.voters[id], phase == .running, voter.room > 0 else { return }
        if member.role != .active {
            // A vote may decide on a failover: what the peer has said by now counts, also if nobody has read it yet.
            receiveHeartbeats()
            guard phase == .running else { return }
        }
        let budgetEnd = pump.confined.budgetEnd
        var pass = Voter.Pass(spare: voter.spare.take(), inlineHandler: voter.inlineHandler)
        swap(&pass.batch, &voter.batch)
        pass.admission = member.admission
        // One message at least: another voter may have used the turn's time up.
        var now: MonotonicTime
        repeat {
            // Bound once and handed on: a second reference to the message would make its frames be copied.
            guard let message = receive(from: voter, &pass) else {
                if pass.isDry { break }
                now = .now
                continue
            }
            now = .now
            handle(message, from: voter, at: now, &pass)
        } while pass.batch.count < voter.room && now < budgetEnd
        swap(&pass.batch, &voter.batch)
        finish(&pass, of: voter)
        submitBatch(of: voter)
    }

    /// The next message, or `nil` if there is none now or it was dropped.
    private func receive(from voter: Voter, _ pass: inout Voter.Pass) -> Message? {
        do throws(ZeroMQError) {
            switch try voter.pumped.receive(
                reusing: &pass.spare, maximumFrames: voter.limits.maximumFrameCount)
            {
            case .message(let message): return message
            case .tooManyFrames: drop(.tooManyFrames, from: voter)
            case .nothing: pass.isDry = true
            }
        } catch {
            pass.isDry = true
            rateLimitedLog.warning(
                "cannot receive a request", to: logger, at: .now, metadata: [LogKey.error: "\(error)"])
        }
        return nil
    }

    private func handle(
        _ message: consuming Message, from voter: Voter, at now: MonotonicTime, _ pass: inout Voter.Pass
    ) {
        let request =
            voter.replies
            ? Request(message, identityFrames: voter.identityFrames, at: now) : Request(oneWay: message)
        if voter.needsDelimiter, !request.envelope.hasDelimiter { return drop(.noDelimiter, from: voter) }
        if request.envelope.cost > Request.largestEnvelope { return drop(.envelopeTooLarge, from: voter) }
        if request.header != nil { voter.clients.note(request) }
        decide(request, of: voter, at: now, &pass)
    }

    /// Does with a request what the core says.
    private func decide(
        _ request: consuming Request, of voter: Voter, at now: MonotonicTime, _ pass: inout Voter.Pass
    ) {
        let clientTerm = request.header?.term ?? 0
        var action = PairMember.RequestAction.admit
        if !pass.admission.admits(at: now, clientTerm: clientTerm) {
            action = member.requestArrived(at: now, knowsRefusals: request.header != nil, clientTerm: clientTerm)
            pass.admission = member.admission
        }
        if logsTrace { trace(.clientRequest, action) }
        switch action {
        case .admit: serve(request, of: voter, at: now, &pass)
        case .promoteAndAdmit(let transition):
            settle(PairMember.Reaction(transition: transition, heldRequests: held.isEmpty ? nil : .serve), at: now)
            // Many requests may have been served since, and time has passed.
            decide(request, of: voter, at: .now, &pass)
        case .hold:
            guard held.add(request, of: voter.id) else { return refuse(request, of: voter, &pass) }
            statistics.requestsHeld += 1
            settle(.none, at: now)
        case .refuse: refuse(request, of: voter, &pass)
        }
    }

    /// Tells a client of ours that this server does not serve; others only learn it by silence.
    private func refuse(_ request: Request, of voter: Voter, _ pass: inout Voter.Pass) {
        pass.refused += 1
        guard voter.replies, let header = request.header else { return }
        var message = request.envelope(
            with: ReplyHeader(.refusal, to: header, term: member.term, role: member.role))
        // If it cannot be sent, the client has to wait, as with a server that says nothing.
        _ = try? voter.pumped.send(&message)
    }

    // MARK: Held requests

    /// Serves what was held. Each is decided about anew, at an instant of its own: the star may have ceased to be active.
    func serveHeldRequests() {
        settleHeldRequests { request, voter, pass in decide(request, of: voter, at: .now, &pass) }
    }

    func refuseHeldRequests() {
        settleHeldRequests { request, voter, pass in refuse(request, of: voter, &pass) }
    }

    private func settleHeldRequests(_ settle: (Request, Voter, inout Voter.Pass) -> Void) {
        for (id, request) in held.takeAll() {
            guard let voter = sockets.voters[id] else { continue }
            var pass = Voter.Pass(inlineHandler: voter.inlineHandler)
            settle(request, voter, &pass)
            voter.batch += pass.batch
            pass.batch = []
            finish(&pass, of: voter)
            submitBatch(of: voter)
        }
    }

    /// Has an admitted request handled.
    private func serve(
        _ request: consuming Request, of voter: Voter, at now: MonotonicTime, _ pass: inout Voter.Pass
    ) {
        if request.deadline <= now { return drop(.pastDeadline, from: voter) }
        request.term = lease.term
        if request.header != nil {
            switch voter.memory.begin(request, keepsRunning: pass.inlineHandler == nil) {
            case .new: break
            case .running:
                statistics.requestsRepeated += 1
                return
            case .answered(let answer): return repeatAnswer(answer, to: request, of: voter, at: now, &pass)
            }
        }
        pass.admitted += 1
        if let observer = voter.observer {
            observer(.admitted(term: request.term, instant: now, header: request.header))
        }
        guard let handler = pass.inlineHandler else { return pass.batch.append(request) }
        do {
            guard let reply = try handler(request) else { return noteNoReply(to: request, of: voter) }
            let begun = now
            // This server may have stalled in the meantime.
            let now = MonotonicTime.now
            pass.handled(for: now.nanoseconds - begun.nanoseconds)
            guard pass.admission.admits(at: now, clientTerm: 0) || member.mayReply(at: now) else {
                settle(.none, at: now)
                return dropReply(.superseded, voter)
            }
            send(reply, to: request, of: voter, at: now, &pass)
        } catch {
            handlerFailed(error, voter)
            let begun = now
            let now = MonotonicTime.now
            pass.handled(for: now.nanoseconds - begun.nanoseconds)
            guard request.header != nil else { return }
            guard member.mayReply(at: now) else { return settle(.none, at: now) }
            send(error.message, .failure, to: request, of: voter, at: now, &pass)
        }
    }

    private func submitBatch(of voter: Voter) {
        guard case .pool(let pool) = voter.service else { return }
        voter.inFlight += voter.batch.count
        if !voter.batch.isEmpty { pool.submit(&voter.batch) }
        // Not read while the limit is reached.
        if voter.room <= 0 { pump.confined.setEvents([], of: voter.pumped) }
    }

    func drop(_ reason: RequestDrop, from voter: Voter) {
        statistics.requestsDropped[reason, default: 0] += 1
        rateLimitedLog.warning(
            "request dropped", to: logger, at: .now,
            metadata: [LogKey.reason: "\(reason)", LogKey.endpoint: "\(voter.endpoint)"])
    }

    func handlerFailed(_ error: any Error, _ voter: Voter) {
        statistics.handlersFailed += 1
        if let failure = error as? RequestFailure {
            // The handler's own way of answering: nothing that an operator must see.
            logger.debug("handler refused a request", metadata: [LogKey.error: "\(failure)"])
            return
        }
        rateLimitedLog.warning(
            "handler failed", to: logger, at: .now,
            metadata: [LogKey.error: "\(error)", LogKey.endpoint: "\(voter.endpoint)"])
    }
}
