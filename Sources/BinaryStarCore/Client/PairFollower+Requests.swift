// The requests, and which is to be sent next.
extension PairFollower {
    /// How many requests wait for their reply, those that were not sent included.
    package var count: Int { slots.count }

    /// How many requests wait to be sent.
    package var queuedCount: Int { count - links.primary.inFlight - links.backup.inFlight }

    /// How many requests a server was sent and has not answered.
    package func inFlightCount(at seat: Seat) -> Int { self[seat].inFlight }

    /// Whether as many requests are in flight as may be.
    package var isFull: Bool { sentCount >= configuration.maximumInFlight }

    package var hasActions: Bool { !actions.isEmpty }

    /// What is to be done, in order.
    package mutating func takeActions() -> [Action] {
        defer { actions = [] }
        return actions
    }

    /// A request begins. Returns its slot.
    ///
    /// - Parameter number: one that this client has not used before.
    package mutating func add(_ number: UInt64, deadline: MonotonicTime, isOnce: Bool = false, at now: MonotonicTime)
        -> Int
    {
        assert(self.slot(of: number) == nil, "the request number \(number) is used already")
        let record = Record(
            number: number, deadline: deadline, sentAt: .distantPast, attempts: 0, place: .queued, isOnce: isOnce)
        let slot: Int
        if slots.isEmpty, records.count > Self.keptSlots {
            // A burst is over.
            (records, freeSlots, slots) = ([], nil, SlotTable())
        }
        if let free = takeFreeSlot() {
            slot = free
            records[slot] = record
        } else {
            slot = records.count
            records.append(record)
        }
        slots.insert(slot, hash: Self.hash(number))
        fresh.append(slot, number)
        nextScan = min(nextScan, deadline)
        noteOwing(at: now)
        return slot
    }

    private static let keptSlots = 16_384

    /// A request is given up. Returns its slot, or `nil` if it has ended.
    package mutating func cancel(_ number: UInt64, at now: MonotonicTime) -> Int? {
        guard let slot = slot(of: number) else { return nil }
        giveUp(slot, at: now)
        return slot
    }

    /// The number of the only request in flight at a server whose answers do not tell.
    package func onlyInFlight(at seat: Seat) -> UInt64? {
        guard let slot = slot(of: lastSent), records[slot].place == .sent(seat) else { return nil }
        return lastSent
    }

    /// The slot of a request, or `nil` if it has ended.
    package func slot(of number: UInt64) -> Int? {
        slots.slot(hash: Self.hash(number)) { records[$0].number == number }
    }

    /// The golden ratio spreads numbers evenly. Eight consecutive ones stay together, in a line or two of the processor's
    /// cache: they are begun and answered one after the other. Nobody but this client chooses them.
    ///
    /// Source: Knuth, The Art of Computer Programming, volume 3, section 6.4, "multiplicative hashing".
    private static func hash(_ number: UInt64) -> UInt32 {
        let spread = ((number >> 3) &* 0x9E37_79B9_7F4A_7C15) >> 32
        return UInt32(truncatingIfNeeded: spread << 3 | number & 7)
    }

    /// Forgets a request that is not waited for any more.
    mutating func giveUp(_ slot: Int, at now: MonotonicTime) {
        let place = records[slot].place
        remove(slot)
        if configuration.isPlain, case .sent(let seat) = place {
            // Its reply could be taken for that of the next request: only a new connection is safe from it.
            reconnect(seat, at: now)
        }
        noteOwing(at: now)
    }

    mutating func remove(_ slot: Int) {
        let record = records[slot]
        takeBack(slot)
        if record.attempts > 0 { sentCount -= 1 }
        slots.remove(slot, hash: Self.hash(record.number))
        records[slot].place = .free
        addFreeSlot(slot)
        if slots.isEmpty {
            fresh.removeAll()
            again.removeAll()
            nextScan = .distantFuture
        }
        // Many that waited may have been given up. The records are captured by themselves, as the queue is being changed.
        if fresh.count > 2 * slots.count + 1_024 { fresh.keep { [records] in records[$0].isQueued($1) } }
        if again.count > 2 * slots.count + 1_024 { again.keep { [records] in records[$0].isQueued($1) } }
    }

    /// Slots are used again in the order in which they were freed: neighbours then belong to requests that were begun one after
    /// the other, and are answered like that, so that what comes next is in the processor's cache.
    private mutating func takeFreeSlot() -> Int? {
        guard let (first, last) = freeSlots else { return nil }
        freeSlots = first == last ? nil : (records[first].nextFree, last)
        return first
    }

    private mutating func addFreeSlot(_ slot: Int) {
        if let (first, last) = freeSlots {
            records[last].nextFree = slot
            freeSlots = (first, slot)
        } else {
            freeSlots = (slot, slot)
        }
    }

    /// Counts a request as no longer with the server that it was sent to.
    mutating func takeBack(_ slot: Int) {
        guard case .sent(let seat) = records[slot].place else { return }
        self[seat].inFlight -= 1
        if records[slot].isOnce { self[seat].inFlightOnce -= 1 }
    }

    // MARK: Sending

    /// A request to be sent now.
    package struct Sending: Sendable, Hashable {
        package var slot: Int
        package var number: UInt64
        package var seat: Seat
        package var attempt: Int
        package var isOnce: Bool
        package var deadline: MonotonicTime
    }

    /// The next request to be sent, which counts as sent from then on; or `nil` if none may be.
    package mutating func nextToSend(at now: MonotonicTime) -> Sending? {
        guard waitsUntil == nil, self[following].connection == .connected else { return nil }
        if configuration.isPlain, links.primary.inFlight + links.backup.inFlight > 0 { return nil }
        if let trialEnd {
            if now >= trialEnd { self.trialEnd = nil } else if sentSinceTurn >= Self.trialSize { return nil }
        }
        guard let slot = nextQueued(at: now) else { return nil }
        records[slot].isSent(to: following, at: now)
        let record = records[slot]
        if record.attempts == 1 { sentCount += 1 }
        lastSent = record.number
        self[following].inFlight += 1
        if record.isOnce { self[following].inFlightOnce += 1 }
        sentSinceTurn += 1
        nextScan = min(nextScan, now.advanced(by: attemptTimeout))
        if silentSince == nil { noteOwing(at: now) }
        return Sending(
            slot: slot, number: record.number, seat: following, attempt: record.attempts, isOnce: record.isOnce,
            deadline: record.deadline)
    }

    /// As many requests try a server that was turned to after the other one had not served either.
    static let trialSize = 64
    /// After as long the others follow, in case the server keeps the first ones until it knows whether it serves.
    static let trialTime = Duration.milliseconds(10)

    /// The next one in turn whose time is not over: such a one is about to fail.
    private mutating func nextQueued(at now: MonotonicTime) -> Int? {
        while let (slot, number) = again.popFirst() {
            if records[slot].isQueued(number), now < records[slot].deadline { return slot }
        }
        guard !isFull else { return nil }
        while let (slot, number) = fresh.popFirst() {
            if records[slot].isQueued(number), now < records[slot].deadline { return slot }
        }
        return nil
    }

    /// The request could not be given to the socket, which has no connection: it waits until there is one.
    package mutating func notSent(_ sending: Sending) {
        takeBack(sending.slot)
        records[sending.slot].place = .queued
        records[sending.slot].attempts -= 1
        if records[sending.slot].attempts == 0 { sentCount -= 1 }
        again.prepend(sending.slot, sending.number)
        self[sending.seat].connection = .connecting
    }
}
