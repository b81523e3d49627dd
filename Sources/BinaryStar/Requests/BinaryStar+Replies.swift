import Logging
import ZeroMQ

extension BinaryStar {
    func sendReplies(ofVoter id: Int) {
        guard let voter = sockets.voters[id], case .pool(let pool) = voter.service else { return }
        voter.takeOutcomes(of: pool)
        var pass = Voter.Pass(spare: voter.spare.take())
        // Taken out of the array one by one, so that a reply's frames have one owner and can be moved.
        while !voter.outcomes.isEmpty {
            // Asked for each one, because this server may stall between two of them. One that does not know whether its peer
            // took over sends nothing: the replies wait until it does.
            let now = MonotonicTime.now
            let mayReply = member.mayReply(at: now)
            if member.isSuspect {
                settle(.none, at: now)
                break
            }
            var outcome = voter.outcomes.removeLast()
            switch outcome.result {
            case .success(_?) where !mayReply || outcome.request.term < firstTerm: dropReply(.superseded, voter)
            case .success(let reply?):
                outcome.result = .success(nil)
                send(reply, to: outcome.request, of: voter, at: now, &pass)
            case .success(nil): break
            case .failure(let error): handlerFailed(error, voter)
            }
        }
        finish(pass, of: voter)
        if !waiters.drained.isEmpty, !hasHandlersRunning { waiters.resumeDrained() }
        if phase == .running, voter.room > 0 { pump.confined.setEvents(.readable, of: voter.pumped) }
    }

    /// Sends a reply. What is left of `request` is its memory, which the pass keeps for the next one.
    ///
    /// - Parameter now: the instant for which the star knows that it may reply.
    func send(
        _ reply: consuming Message, to request: consuming Request, of voter: Voter, at now: MonotonicTime,
        _ pass: inout Voter.Pass
    ) {
        guard voter.replies, phase == .running else { return }
        // A ROUTER needs a frame behind the client's identity.
        if reply.isEmpty, !request.envelope.hasDelimiter { reply = Message("") }
        guard case .send(let charge) = voter.delivery(of: reply, to: request) else {
            return dropReply(.clientNotReading, voter)
        }
        let header = request.header(identityFrames: voter.identityFrames)
        let bodyStart = request.envelope.count
        let term = request.term
        var message =
            if let header {
                request.envelope(with: ReplyHeader(.reply, to: header, term: request.term, role: .active))
            } else {
                (consume request).message
            }
        let sent: Socket.Sent
        do throws(ZeroMQError) {
            sent = try voter.pumped.send(reply, to: &message, bodyStart: bodyStart, charge: charge)
        } catch {
            rateLimitedLog.warning(
                "cannot send a reply", to: logger, at: .now, metadata: [LogKey.error: "\(error)"])
            return
        }
        pass.spare = consume message
        switch sent {
        case .sent:
            pass.replied += 1
            voter.observer?(.replied(term: term, instant: now, header: header))
        case .full: dropReply(.clientNotReading, voter)
        case .noPeer: dropReply(.clientGone, voter)
        }
    }

    func dropReply(_ reason: ReplyDrop, _ voter: Voter) {
        statistics.repliesDropped[reason, default: 0] += 1
        rateLimitedLog.warning(
            "reply dropped", to: logger, at: .now,
            metadata: [LogKey.reason: "\(reason)", LogKey.endpoint: "\(voter.endpoint)"])
    }
}
