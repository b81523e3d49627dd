import BinaryStarCore
import Logging

// The core decides; here is done what it says.
extension BinaryStar {
    /// Does what the core says after an event, and sets the alarm for its next deadline.
    func settle(_ reaction: PairMember.Reaction, at now: MonotonicTime) {
        guard phase == .running else { return }
        if let transition = reaction.transition {
            // First why, then what.
            noteSilence(at: now)
            changed(transition)
        }
        if let conflict = reaction.conflict {
            logger.error("\(conflict)")
            return requestEnd(.failure(.conflict(conflict)))
        }
        // A change is published at once.
        if member.nextDeadline <= now {
            tick(at: now)
        } else {
            sockets.timer?.deadline = member.nextDeadline
        }
        let formerEnd = lease.latestEnd
        lease.update(end: member.leaseEnd, term: member.role == .active ? member.term : nil)
        if let transition = reaction.transition, transition.isChangeOfService {
            // After the heartbeat: by the time that a client has turned to the peer, the peer should know.
            tellClients()
        }
        noteSuspicion(at: now, leaseEnd: formerEnd)
        settleHeldRequests(reaction.heldRequests)
    }

    private func changed(_ transition: Transition) {
        sockets.observer?(.changed(transition))
        let change = RoleChange(transition, at: .now)
        lastChange = change
        if records.count >= TransitionLog.capacity { records.removeFirst() }
        records.append(TransitionRecord(change, seat: configuration.seat))
        if transition.to == .active {
            // Also one that was active and goes on in a new term: another server has served in between or, for all that this one
            // knows, may have.
            for voter in sockets.voters.values { voter.memory.removeAll() }
        }
        statistics.transitions[transition.cause, default: 0] += 1
        var metadata: Logger.Metadata = [
            LogKey.from: "\(change.from)", LogKey.to: "\(change.to)", LogKey.cause: "\(change.cause)",
            LogKey.term: "\(change.term)",
        ]
        if let silence = change.peerSilence { metadata[LogKey.silence] = "\(silence.logged)" }
        logger.info("role changed: \(change.from) → \(change.to)", metadata: metadata)
        changesContinuation.yield(change)
        // Whoever waits for a handover learns how it ended: well if the peer said that it is active.
        if transition.to == .passive || transition.to == .active {
            waiters.resumeHandedOver(transition.cause == .peer(.active))
        }
        // The other replies belong to a time that is over.
        if transition.to != .active { for id in sockets.voters.keys { sendReplies(ofVoter: id) } }
    }

    /// Logs the beginning and the end of a suspicion, and sends the replies that waited for its end.
    private func noteSuspicion(at now: MonotonicTime, leaseEnd: MonotonicTime) {
        guard (suspectSince != nil) != member.isSuspect else { return }
        guard let since = suspectSince else {
            suspectSince = now
            statistics.stalls += 1
            logger.warning(
                "this server has stalled; it serves nothing until it knows that its peer did not take over",
                metadata: [LogKey.term: "\(member.term)", LogKey.stall: "\((now - leaseEnd).logged) beyond the lease"])
            return
        }
        suspectSince = nil
        logger.info(
            "the stall is over",
            metadata: [
                LogKey.role: "\(member.role)", LogKey.term: "\(member.term)",
                LogKey.stall: "known after \((now - since).logged)",
            ])
        for id in sockets.voters.keys { sendReplies(ofVoter: id) }
    }

    /// Does with the requests that waited what was decided about them.
    private func settleHeldRequests(_ verdict: PairMember.Reaction.HeldRequests?) {
        guard let verdict else { return }
        if !held.isEmpty {
            // Refused are those whose peer was late for a moment, which may be often.
            logger.log(
                level: verdict == .serve ? .info : .debug,
                verdict == .serve ? "serving the requests that waited" : "refusing the requests that waited",
                metadata: [LogKey.requests: "\(held.items.count)"])
        }
        switch verdict {
        case .serve: serveHeldRequests()
        case .refuse: refuseHeldRequests()
        }
    }

    func trace(_ event: Event, _ outcome: @autoclosure () -> Any) {
        guard logsTrace else { return }
        logger.trace(
            "event",
            metadata: [
                LogKey.event: "\(event)", LogKey.role: "\(member.role)", LogKey.outcome: "\(outcome())",
            ])
    }
}

extension Transition {
    /// Whether the server begins or ceases to serve.
    fileprivate var isChangeOfService: Bool { (from == .active) != (to == .active) }
}
