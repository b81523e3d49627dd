import BinaryStarCore
import Logging
import ZeroMQ

extension BinaryStar {
    func finish(_ pass: consuming Voter.Pass, of voter: Voter) {
        voter.spare = pass.spare
        statistics.requestsAdmitted += pass.admitted
        statistics.requestsRefused += pass.refused
        statistics.repliesSent += pass.replied
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
        let room = voter.room
        var pass = Voter.Pass(spare: voter.spare.take(), inlineHandler: voter.inlineHandler)
        swap(&pass.batch, &voter.batch)
        // One message at least: another voter may have used the turn's time up.
        var now = MonotonicTime.now
        repeat {
            // Bound once and handed on: a second reference to the message would make its frames be copied.
            guard let message = receive(from: voter, &pass) else {
                now = .now
                continue
            }
            now = .now
            handle(message, from: voter, at: now, &pass)
        } while !pass.isDry && pass.batch.count < room && now < budgetEnd
        swap(&pass.batch, &voter.batch)
        finish(pass, of: voter)
        submitBatch(of: voter)
    }

    /// The next message, or `nil` if there is none now or it was dropped.
    private func receive(from voter: Voter, _ pass: inout Voter.Pass) -> Message? {
        do throws(ZeroMQError) {
            switch try voter.pumped.socket.receive(
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
            ? Request(message, identityFrames: voter.identityFrames) : Request(oneWay: message)
        if voter.needsDelimiter, !request.envelope.hasDelimiter { return drop(.noDelimiter, from: voter) }
        if request.envelope.cost > Request.largestEnvelope { return drop(.envelopeTooLarge, from: voter) }
        guard admitRequest(at: now) else {
            pass.refused += 1
            return
        }
        pass.admitted += 1
        guard let handler = pass.inlineHandler else { return pass.batch.append(request) }
        do {
            guard let reply = try handler(request) else { return }
            send(reply, to: request, of: voter, &pass)
        } catch {
            handlerFailed(error, voter)
        }
    }

    private func submitBatch(of voter: Voter) {
        guard case .pool(let pool) = voter.service else { return }
        voter.inFlight += voter.batch.count
        if !voter.batch.isEmpty { pool.submit(&voter.batch) }
        // Not read while the limit is reached.
        if voter.room == 0 { pump.confined.setEvents([], of: voter.pumped) }
    }

    private func drop(_ reason: RequestDrop, from voter: Voter) {
        statistics.requestsDropped[reason, default: 0] += 1
        rateLimitedLog.warning(
            "request dropped", to: logger, at: .now,
            metadata: [LogKey.reason: "\(reason)", LogKey.endpoint: "\(voter.endpoint)"])
    }

    func handlerFailed(_ error: any Error, _ voter: Voter) {
        statistics.handlersFailed += 1
        rateLimitedLog.warning(
            "handler failed", to: logger, at: .now,
            metadata: [LogKey.error: "\(error)", LogKey.endpoint: "\(voter.endpoint)"])
    }
}
