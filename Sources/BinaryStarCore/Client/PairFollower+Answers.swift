// What servers say.
extension PairFollower {
    /// A message that answers a request.
    package enum Answer: Sendable, Hashable {
        /// From a server of ours. Also a notice, which answers none.
        case headed(ReplyHeader)
        /// From a server that returned the request's own header, or none: a classic one.
        case classic(number: UInt64)
    }

    /// What to deliver to a request's caller.
    package struct Delivery: Sendable, Hashable {
        package var slot: Int
        package var attempts: Int
        /// When it was sent last.
        package var sentAt: MonotonicTime
    }

    /// A server answered. Returns which request gets the answer, whose slot is free again; or `nil` if none does.
    package mutating func answered(_ answer: Answer, by seat: Seat, at now: MonotonicTime) -> Delivery? {
        switch answer {
        case .classic(let number):
            self[seat].isClassic = true
            return deliver(number, by: seat, at: now)
        case .headed(let header):
            self[seat].isClassic = false
            switch header.kind {
            case .reply, .failure: return replied(header, by: seat, at: now)
            case .refusal: refused(header, by: seat, at: now)
            case .notice: noticed(header, by: seat, at: now)
            }
            return nil
        }
    }

    private mutating func replied(_ header: ReplyHeader, by seat: Seat, at now: MonotonicTime) -> Delivery? {
        guard header.term >= highestTerm else {
            superseded(header, by: seat, at: now)
            return nil
        }
        let isNews = header.term > highestTerm
        note(header.term)
        let delivery = deliver(header.request.number, by: seat, at: now)
        if seat != following, isNews { follow(seat, .higherTerm, at: now) }
        return delivery
    }

    private mutating func deliver(_ number: UInt64, by seat: Seat, at now: MonotonicTime) -> Delivery? {
        if seat == following {
            fruitlessTurns = 0
            trialEnd = nil
            // It has answered something: time starts anew for the rest.
            silence = 0
            silentSince = nil
        }
        // One that has its reply already, or was given up, is for nobody.
        guard let slot = slot(of: number), records[slot].attempts > 0 else {
            noteOwing(at: now)
            return nil
        }
        let record = records[slot]
        remove(slot)
        noteOwing(at: now)
        return Delivery(slot: slot, attempts: record.attempts, sentAt: record.sentAt)
    }

    /// A reply from the past. Whoever sent it does not know yet that another server took over.
    private mutating func superseded(_ header: ReplyHeader, by seat: Seat, at now: MonotonicTime) {
        if let slot = slot(of: header.request.number), records[slot].place == .sent(seat) {
            if records[slot].isOnce {
                // It was handled, by a server whose word counts no more.
                fail(slot, .unknownOutcome)
            } else if seat != following {
                takeBack(slot)
                queueAgain(slot)
            }
        }
        if seat == following { turn(.superseded, at: now) }
        noteOwing(at: now)
    }

    private mutating func refused(_ header: ReplyHeader, by seat: Seat, at now: MonotonicTime) {
        note(header.term)
        // An earlier attempt's, or one of a request that was given up, says nothing of those that wait.
        guard let slot = slot(of: header.request.number), records[slot].place == .sent(seat),
            UInt8(truncatingIfNeeded: records[slot].attempts) == header.request.attempt
        else { return }
        // Not handled, for certain: also one that must not be sent twice may go to the other server.
        takeBack(slot)
        queueAgain(slot)
        guard seat == following else { return noteOwing(at: now) }
        let names = header.role == .passive && header.term > highestNamedTerm
        if names { highestNamedTerm = header.term }
        turn(.refused(header.role), at: now, isNamed: names)
    }

    private mutating func noticed(_ header: ReplyHeader, by seat: Seat, at now: MonotonicTime) {
        let isCurrent = header.term >= highestTerm
        note(header.term)
        if header.role != .active, seat == following {
            turn(.notice(header.role), at: now)
        } else if header.role == .active, isCurrent, seat != following {
            fruitlessTurns = 0
            follow(seat, .notice(.active), at: now)
        } else if header.role == .active, isCurrent, waitsUntil != nil {
            waitsUntil = nil
            noteOwing(at: now)
        }
    }

    private mutating func note(_ term: UInt64) {
        guard term > highestTerm else { return }
        highestTerm = term
        actions.append(.term(term))
    }
}
