// From one server to the other.
extension PairFollower {
    // MARK: Connections

    /// A server can be sent to.
    package mutating func connected(to seat: Seat, at now: MonotonicTime) {
        guard self[seat].connection != .connected else { return }
        self[seat].connection = .connected
        if seat != following, self[following].connection == .unreachable { follow(seat, .reachable, at: now) }
        noteOwing(at: now)
    }

    /// The connection to a server broke, or an attempt to make it failed.
    package mutating func lost(_ seat: Seat, at now: MonotonicTime) {
        self[seat].connection = .unreachable
        dropInFlight(at: seat)
        // If the other one is out of reach too, whichever comes back first is followed.
        if seat == following, self[seat.other].connection != .unreachable { turn(.connectionLost, at: now) }
        noteOwing(at: now)
    }

    /// Asks for a new connection to `seat`: what it was sent may have been received, or not.
    package mutating func reconnect(_ seat: Seat, at now: MonotonicTime) {
        self[seat].connection = .connecting
        dropInFlight(at: seat)
        actions.append(.reconnect(seat))
    }

    /// What a server was sent is to be sent again, or has an unknown outcome.
    private mutating func dropInFlight(at seat: Seat) {
        guard self[seat].inFlight > 0 else { return }
        for slot in records.indices where records[slot].place == .sent(seat) && records[slot].isOnce {
            fail(slot, .unknownOutcome)
        }
        queueAllAgain(from: seat)
    }

    // MARK: Turning

    /// Leaves the followed server: for the other one, or for itself a little later if the other one is out of reach.
    ///
    /// - Parameter isNamed: whether it is known that the other one serves.
    mutating func turn(_ reason: Reason, at now: MonotonicTime, isNamed: Bool = false) {
        let left = following
        let isClassic = isClassic(left, reason)
        queueAllAgain(from: left)
        if reason == .silent || (configuration.isPlain && reason != .connectionLost) {
            // What it has not read yet must not reach it late. One that may not be sent twice goes on waiting for its reply.
            if self[left].inFlightOnce == 0 { reconnect(left, at: now) }
        }
        let stays = self[left.other].connection == .unreachable && self[left].connection == .connected
        fruitlessTurns += 1
        var delay = Duration.zero
        if isClassic {
            delay = configuration.settleDelay
        } else if stays || (fruitlessTurns > 1 && !isNamed) {
            delay = backoff()
        }
        start(following: stays ? left : left.other, after: delay, at: now)
        if !stays { actions.append(.follow(following, reason)) }
    }

    /// Turns to a server that is known to serve.
    mutating func follow(_ seat: Seat, _ reason: Reason, at now: MonotonicTime) {
        queueAllAgain(from: following)
        start(following: seat, after: .zero, at: now)
        actions.append(.follow(seat, reason))
    }

    private mutating func start(following seat: Seat, after delay: Duration, at now: MonotonicTime) {
        following = seat
        sentSinceTurn = 0
        let begin = now + delay
        waitsUntil = delay > .zero ? begin : nil
        trialEnd = fruitlessTurns > 1 ? begin + Self.trialTime : nil
        silence = 0
        silentSince = nil
        noteOwing(at: now)
    }

    /// A server that does not serve says nothing if it is classic, as far as is known, and its peer takes time to become active.
    private func isClassic(_ seat: Seat, _ reason: Reason) -> Bool {
        switch reason {
        case .silent where self[seat].connection != .connected: configuration.isPlain || self[seat].isClassic ?? false
        case .silent: configuration.isPlain || self[seat].isClassic ?? self[seat.other].isClassic ?? true
        case .connectionLost: configuration.isPlain || self[seat].isClassic ?? self[seat.other].isClassic ?? false
        case .refused, .notice, .superseded, .higherTerm, .reachable: false
        }
    }

    /// How long to wait before the next turn: longer each time, and random.
    private mutating func backoff() -> Duration {
        let doublings = min(max(0, fruitlessTurns - 2), Self.mostDoublings)
        // Random, so that clients that failed together do not come back together.
        return random.delay(around: Self.shortestBackoff * (1 << doublings))
    }

    static let shortestBackoff = Duration.milliseconds(2)
    /// Up to 128 ms.
    static let mostDoublings = 6

    // MARK: Requests that are sent again

    mutating func queueAgain(_ slot: Int) {
        records[slot].place = .queued
        again.append(slot, records[slot].number)
    }

    /// All that `seat` was sent goes back, in the order of the numbers; but what must not be sent twice stays where it is.
    func isMovable(_ slot: Int, from seat: Seat) -> Bool {
        records[slot].place == .sent(seat) && !records[slot].isOnce
    }

    mutating func queueAllAgain(from seat: Seat) {
        guard self[seat].inFlight > self[seat].inFlightOnce else { return }
        var moved = records.indices.filter { isMovable($0, from: seat) }
        for slot in moved { takeBack(slot) }
        while let (slot, number) = again.popFirst() {
            if records[slot].isQueued(number) { moved.append(slot) }
        }
        moved.sort { records[$0].number < records[$1].number }
        for slot in moved { queueAgain(slot) }
    }

    mutating func fail(_ slot: Int, _ failure: Failure) {
        let attempts = records[slot].attempts
        remove(slot)
        actions.append(.fail(slot: slot, attempts: attempts, failure))
    }
}
