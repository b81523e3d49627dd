import BinaryStarCore
import Logging
import ZeroMQ

extension BinaryStar {
    func sendReplies(ofVoter id: Int) {
        guard let voter = sockets.voters[id], case .pool(let pool) = voter.service else { return }
        voter.takeOutcomes(of: pool)
        var pass = Voter.Pass(spare: voter.spare.take())
        // Taken out of the queue one by one, so that a reply's frames have one owner and can be moved.
        while !voter.outcomes.isEmpty {
            // Asked for each one, because this server may stall between two of them. One that does not know whether its peer
            // took over sends nothing: the replies wait until it does. With a lease it does know; only without one is the member
            // asked, which copies it.
            let now = MonotonicTime.now
            let mayReply = member.mayReply(at: now)
            if !mayReply, member.isSuspect {
                settle(.none, at: now)
                break
            }
            var outcome = voter.outcomes.removeFirst()
            var request = outcome.takeRequest()
            if let newest = voter.memory.newest(request) {
                // The client may have come back by another connection, where it waits for the answer to the first copy.
                let term = request.term
                request = newest
                request.term = term
            }
            if !outcome.wasNotBegun { pass.handled(for: outcome.duration) }
            let isOver = !mayReply || request.term != member.term
            switch outcome.result {
            case .success(_?) where isOver:
                forget(request, of: voter)
                dropReply(.superseded, voter)
            case .success(let reply?):
                outcome.result = .success(nil)
                send(consume reply, to: consume request, of: voter, at: now, &pass)
            case .success(nil): noteNoReply(to: request, of: voter)
            case .failure(is HandlerPool.DeadlinePassed):
                forget(request, of: voter)
                drop(.pastDeadline, from: voter)
            case .failure(let error):
                handlerFailed(error, voter)
                guard request.header != nil else { break }
                if isOver {
                    forget(request, of: voter)
                } else {
                    send(error.message, .failure, to: request, of: voter, at: now, &pass)
                }
            }
        }
        finish(&pass, of: voter)
        resumeIfDrained()
        if phase == .running, voter.room > 0 { pump.confined.setEvents(.readable, of: voter.pumped) }
    }

    /// Sends a reply. What is left of `request` is its memory, which the pass keeps for the next one.
    ///
    /// - Parameters:
    ///   - kind: what a client of ours is told that it is.
    ///   - now: the instant for which the star knows that it may reply.
    ///   - isRepeated: whether the reply is one that was remembered.
    func send(
        _ reply: consuming Message, _ kind: ReplyHeader.Kind = .reply, to request: consuming Request, of voter: Voter,
        at now: MonotonicTime, isRepeated: Bool = false, _ pass: inout Voter.Pass
    ) {
        guard voter.replies, phase == .running else { return }
        // A ROUTER needs a frame behind the client's identity.
        if reply.isEmpty, !request.envelope.hasDelimiter { reply = Message("") }
        if !isRepeated, let id = request.id { voter.memory.answered(id, in: request.term, kind, reply) }
        guard case .send(let charge) = voter.delivery(of: reply, to: request) else {
            return dropReply(.clientNotReading, voter)
        }
        let header = request.header
        let headerIndex = request.headerIndex
        let bodyStart = request.envelope.count
        let term = request.term
        var message = (consume request).message
        let sent: Socket.Sent
        do throws(ZeroMQError) {
            if let header {
                let answer = ReplyHeader(kind, to: header, term: term, role: .active)
                sent = try send(
                    reply, with: answer, at: headerIndex, to: &message, bodyStart: bodyStart, charge: charge, of: voter)
            } else {
                sent = try voter.pumped.send(reply, to: &message, bodyStart: bodyStart, charge: charge)
            }
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

    /// Sends a reply to a client of ours, with the header written over the request's where nobody else sees it.
    private func send(
        _ reply: consuming Message, with header: ReplyHeader, at index: Int, to request: inout Message, bodyStart: Int,
        charge: Charge?, of voter: Voter
    ) throws(ZeroMQError) -> Socket.Sent {
        let isEcho = reply.isRest(of: request, from: bodyStart)
        // The request itself: without the second reference its frames have one owner.
        if isEcho { reply = .none }
        if !request.overwrite(index, count: ReplyHeader.length, { header.encode(into: $0) }) {
            request = request.copy(of: isEcho ? request.count : bodyStart, header: header, at: index)
        }
        return isEcho
            ? try voter.pumped.send(&request, charge: charge)
            : try voter.pumped.send(reply, to: &request, bodyStart: bodyStart, charge: charge)
    }

    /// Gives the answer again that a request got when it came first.
    func repeatAnswer(
        _ answer: AnswerMemory.Answer, to request: consuming Request, of voter: Voter, at now: MonotonicTime,
        _ pass: inout Voter.Pass
    ) {
        statistics.requestsRepeated += 1
        guard let body = answer.body else { return }
        // As of the term in which it was given.
        request.term = answer.term
        send(body, answer.kind, to: request, of: voter, at: now, isRepeated: true, &pass)
    }

    func noteNoReply(to request: borrowing Request, of voter: Voter) {
        guard request.term == member.term, let id = request.id else { return }
        voter.memory.answered(id, in: request.term, .reply, nil)
    }

    private func forget(_ request: borrowing Request, of voter: Voter) {
        if let id = request.id { voter.memory.forget(id, in: request.term) }
    }

    /// Tells the clients of ours that are known of the star's role, so that they need not find out by asking.
    func tellClients() {
        for voter in sockets.voters.values where voter.replies {
            voter.clients.forEach { client, path in
                let notice = ReplyHeader(noticeTo: client, term: member.term, role: member.role)
                var message = path.followed(by: [notice.encoded, []])
                // One that cannot be told finds out by itself.
                guard case .noPeer? = try? voter.pumped.send(&message) else { return true }
                return false
            }
        }
    }

    func dropReply(_ reason: ReplyDrop, _ voter: Voter) {
        statistics.repliesDropped[reason, default: 0] += 1
        rateLimitedLog.warning(
            "reply dropped", to: logger, at: .now,
            metadata: [LogKey.reason: "\(reason)", LogKey.endpoint: "\(voter.endpoint)"])
    }
}

extension Error {
    /// What a client of ours is told of an error that a handler threw: what the handler chose to tell, or nothing.
    var message: Message {
        guard let failure = self as? RequestFailure else { return Message() }
        return Message(HandlerFailure(code: Int64(failure.code), text: failure.text).encoded)
    }
}
