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
        drainIfDue(at: now)
        for index in commands.indices {
            switch commands[index].take() {
            case nil: break
            case .add(let request): begin(request, at: now)
            case .cancel(let number):
                guard let slot = follower.cancel(number, at: now) else { continue }
                if let request = take(slot) { fail(request, CancellationError()) }
            }
        }
        // The server may have been silent to requests that were given up since. Known before anything is sent to it.
        follower.checkSilence(at: now)
        commands.removeAll(keepingCapacity: commands.count <= Self.keptCommands)
        swap(&commands, &spareCommands)
        // What was cancelled at once needs no server.
        if follower.count > 0 { connectIfNeeded() }
        performActions()
        sendWhatMayGo(at: now)
    }

    private static let keptCommands = 16_384

    private func begin(_ request: consuming PendingRequest, at now: MonotonicTime) {
        guard !isClosed else { return request.end(with: .failure(BinaryStarClientError.closed)) }
        let slot = follower.add(request.number, deadline: request.deadline, isOnce: request.isOnce, at: now)
        if slot < requests.count {
            requests[slot] = request
        } else {
            requests.append(request)
        }
    }

    /// Takes a request out of the table.
    func take(_ slot: Int) -> PendingRequest? { requests[slot].take() }

    func fail(_ request: PendingRequest, _ error: any Error) {
        counts.failed(error)
        request.end(with: .failure(error))
    }

    func failAll(_ error: BinaryStarClientError) {
        for index in requests.indices {
            guard let request = take(index) else { continue }
            _ = follower.cancel(request.number, at: .now)
            fail(request, error)
        }
        _ = follower.takeActions()
    }

    func tick(at now: MonotonicTime) {
        drainIfDue(at: now)
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
            if links[seat] == nil { connect(to: [seat]) }
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
            connect(to: [seat])
        case .fail(let slot, let attempts, let failure):
            guard let request = take(slot) else { return }
            fail(request, error(failure, of: request, attempts: attempts))
        }
    }

    private func error(
        _ failure: PairFollower.Failure, of request: PendingRequest, attempts: Int
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
                "no reply within \(request.timeout): the request was not sent to \(configuration.primary) or "
                    + "\(configuration.backup); \(state)")
        case .timedOut:
            let times = attempts == 1 ? "1 attempt" : "\(attempts) attempts"
            return BinaryStarClientError(
                .timedOut,
                "no reply within \(request.timeout) after \(times) at \(configuration.primary) and "
                    + "\(configuration.backup); check that the servers run, reach each other, and can be reached from here"
            )
        }
    }
}

extension BinaryStarClient {
    /// How many requests wait for their reply, those included that were not sent.
    var waitingCount: Int { follower.count }
}
