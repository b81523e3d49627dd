import BinaryStarCore
import Logging
import ZeroMQ

// The requests that wait, and what the follower says about them.
extension BinaryStarClient {
    /// Takes what tasks have handed over since the last time.
    func takeInbox() {
        var commands: [ClientInbox.Command?] = []
        swap(&commands, &spareCommands)
        inbox.take(into: &commands)
        guard !commands.isEmpty else { return swap(&commands, &spareCommands) }
        let now = MonotonicTime.now
        for index in commands.indices {
            switch commands[index].take() {
            case nil: break
            case .add(let entry): begin(entry, at: now)
            case .cancel(let number):
                guard let slot = follower.cancel(number, at: now) else { continue }
                if let entry = take(slot) { fail(entry, CancellationError()) }
            }
        }
        commands.removeAll(keepingCapacity: commands.count <= Self.keptCommands)
        swap(&commands, &spareCommands)
        connectIfNeeded()
        performActions()
        sendWhatMayGo(at: now)
    }

    private static let keptCommands = 16_384

    private func begin(_ entry: consuming ClientInbox.Entry, at now: MonotonicTime) {
        guard !isClosed else { return entry.continuation.resume(throwing: BinaryStarClientError.closed) }
        // The server may have been silent to requests that were given up since.
        follower.checkSilence(at: now)
        let slot = follower.add(entry.number, deadline: entry.deadline, isOnce: entry.isOnce, at: now)
        if slot < requests.count {
            requests[slot] = entry
        } else {
            requests.append(entry)
        }
    }

    /// Takes a request out of the table.
    func take(_ slot: Int) -> ClientInbox.Entry? { requests[slot].take() }

    func fail(_ entry: ClientInbox.Entry, _ error: any Error) {
        counts.failed(error)
        entry.continuation.resume(throwing: error)
    }

    func failAll(_ error: BinaryStarClientError) {
        for index in requests.indices {
            guard let entry = take(index) else { continue }
            _ = follower.cancel(entry.number, at: .now)
            fail(entry, error)
        }
        _ = follower.takeActions()
    }

    func tick(at now: MonotonicTime) {
        follower.tick(at: now)
        performActions()
        sendWhatMayGo(at: now)
    }

    /// Does what the follower says.
    func performActions() {
        while follower.hasActions {
            for action in follower.takeActions() { perform(action) }
        }
    }

    private func perform(_ action: PairFollower.Action) {
        switch action {
        case .follow(let seat, let reason):
            logger.notice(
                "following the \(seat)",
                metadata: [
                    LogKey.server: "\(seat)", LogKey.reason: "\(reason.text(for: seat))",
                    LogKey.waiting: "\(follower.count)", LogKey.term: "\(follower.highestTerm)",
                ])
            for port in links.ports.values { port.follow(seat, in: pump.confined) }
            counts.failovers[FollowReason(reason).metricValue, default: 0] += 1
            broadcast.send(.following(seat, FollowReason(reason)))
        case .term(let term):
            logger.debug("a higher term", metadata: [LogKey.term: "\(term)"])
            broadcast.send(.term(term))
        case .reconnect(let seat):
            if links[seat]?.isComplete == true { broadcast.send(.lost(seat)) }
            links.close(seat, in: pump.confined)
            connect(to: seat)
        case .fail(let slot, let attempts, let failure):
            guard let entry = take(slot) else { return }
            fail(entry, error(failure, of: entry, attempts: attempts))
        }
    }

    private func error(
        _ failure: PairFollower.Failure, of entry: ClientInbox.Entry, attempts: Int
    ) -> BinaryStarClientError {
        switch failure {
        case .unknownOutcome:
            return BinaryStarClientError(
                .unknownOutcome,
                "the request may have been handled or not: it was sent, no reply can be had, and it must not be sent again"
            )
        case .timedOut where attempts == 0:
            let state =
                follower.isFull
                ? "\(configuration.maximumInFlight) requests (maximumInFlight) were in flight all the time"
                : "neither server can be reached, or neither serves"
            return BinaryStarClientError(
                .timedOut,
                "no reply within \(entry.timeout): the request was not sent to \(configuration.primary) or "
                    + "\(configuration.backup); \(state)")
        case .timedOut:
            let times = attempts == 1 ? "1 attempt" : "\(attempts) attempts"
            return BinaryStarClientError(
                .timedOut,
                "no reply within \(entry.timeout) after \(times) at \(configuration.primary) and "
                    + "\(configuration.backup); check that the servers run, reach each other, and can be reached from here"
            )
        }
    }
}

extension BinaryStarClient {
    /// How many requests wait for their reply, those included that were not sent.
    var waitingCount: Int { follower.count }
}
