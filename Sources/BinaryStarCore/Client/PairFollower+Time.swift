// What is due when.
extension PairFollower {
    /// When ``tick(at:)`` has to be called at the latest, or `nil` if nothing is due.
    package var nextDeadline: MonotonicTime? {
        guard count > 0 || waitsUntil != nil else { return nil }
        var next = nextScan
        if let waitsUntil { next = min(next, waitsUntil) }
        if let trialEnd, waitsUntil == nil { next = min(next, trialEnd) }
        if let silentSince { next = min(next, silentSince.advanced(by: attemptTimeout)) }
        return next
    }

    /// Time has passed.
    package mutating func tick(at now: MonotonicTime) {
        if let waitsUntil, waitsUntil <= now {
            self.waitsUntil = nil
            noteOwing(at: now)
        }
        if let trialEnd, trialEnd <= now { self.trialEnd = nil }
        if now >= nextScan { failExpired(at: now) }
        checkSilence(at: now)
        if now >= nextScan { sendOverdueAgain(at: now) }
    }

    /// Turns to the other server if the followed one has owed something without a word for the attempt timeout.
    package mutating func checkSilence(at now: MonotonicTime) {
        guard let silentSince, now >= silentSince.advanced(by: attemptTimeout) else { return }
        turn(.silent, at: now)
    }

    private mutating func failExpired(at now: MonotonicTime) {
        for slot in records.indices where records[slot].place != .free && records[slot].deadline <= now {
            let record = records[slot]
            let isSent = record.place != .queued
            giveUp(slot, at: now)
            actions.append(
                .fail(
                    slot: slot, attempts: record.attempts,
                    record.isOnce && isSent ? .unknownOutcome : .timedOut))
        }
    }

    /// Sends again what the server has not answered though it answered others since, and notes when the next thing is due.
    private mutating func sendOverdueAgain(at now: MonotonicTime) {
        var next = MonotonicTime.distantFuture
        for slot in records.indices where records[slot].place != .free {
            next = min(next, records[slot].deadline)
            guard isMovable(slot, from: following), !configuration.isPlain else { continue }
            let overdue = records[slot].sentAt.advanced(by: attemptTimeout)
            if overdue <= now {
                takeBack(slot)
                queueAgain(slot)
            } else {
                next = min(next, overdue)
            }
        }
        nextScan = next
    }

    /// Takes note of whether the followed server owes something: time in which it owes nothing is no silence of its.
    ///
    /// What waits for its connection counts: a server that cannot be reached and does not say so is silent too. When both are
    /// known to be out of reach, there is nothing to turn to.
    mutating func noteOwing(at now: MonotonicTime) {
        let owes =
            waitsUntil == nil && self[following].connection != .unreachable
            && (self[following].inFlight > 0 || queuedCount > 0)
        if owes, silentSince == nil {
            silentSince = now.advanced(by: -silence)
        } else if !owes, let since = silentSince {
            silence = now.nanoseconds - since.nanoseconds
            silentSince = nil
        }
    }
}
