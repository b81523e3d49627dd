import BinaryStarCore
import Logging

extension BinaryStar {
    /// Hands over to the peer: waits for the handlers that run, ends what runs ``whileActive(_:)``, lets the peer become active,
    /// and returns when it is.
    ///
    /// Requests that arrive in the meantime wait, and are then refused, so that clients of ours go to the peer at once. If the
    /// peer does not become active in time, this server turns passive, and the next request makes it active again.
    ///
    /// - Throws: ``BinaryStarError`` with the code ``BinaryStarError/Code/cannotStepDown`` if this server is not active, or
    ///   there is no passive peer that can take over, or it did not.
    public func stepDown() async throws(BinaryStarError) {
        guard phase == .running else { throw .stopped }
        if let refusal = member.refusesStepDown(at: .now) { throw .cannotStepDown(refusal) }
        guard !member.isDraining else { throw BinaryStarError(.cannotStepDown, "this server hands over already") }
        logger.info("handing over", metadata: [LogKey.term: "\(member.term)"])
        member.isDraining = true
        await waitForTheRest()
        guard phase == .running else { throw .stopped }
        let now = MonotonicTime.now
        switch member.stepDown(at: now) {
        case .success(let transition): settle(PairMember.Reaction(transition: transition), at: now)
        case .failure(let refusal):
            member.isDraining = false
            settle(PairMember.Reaction(heldRequests: .serve), at: now)
            if member.role == .active { activeScope.open() }
            throw .cannotStepDown(refusal)
        }
        guard await isPeerActive() else {
            throw BinaryStarError(
                .cannotStepDown, "the peer did not become active in time; this server stays available")
        }
    }

    private func isPeerActive() async -> Bool {
        await withCheckedContinuation { continuation in
            if phase == .running, member.isHandingOver {
                waiters.handedOver.append(continuation)
            } else {
                continuation.resume(returning: member.role == .passive)
            }
        }
    }

    /// Makes this server active without a client's request, if its peer is gone.
    ///
    /// This is the way out for a backup whose primary will not come back. A live peer has to step down instead.
    ///
    /// - Throws: ``BinaryStarError`` with the code ``BinaryStarError/Code/cannotPromote``.
    public func promote() throws(BinaryStarError) {
        // What the peer has said by now counts first.
        receiveHeartbeats()
        guard phase == .running else { throw .stopped }
        let now = MonotonicTime.now
        switch member.promote(at: now) {
        case .success(let reaction): settle(reaction, at: now)
        case .failure(let refusal): throw .cannotPromote(refusal)
        }
    }

    /// Counts as a client's request: makes this server active if its peer is gone, and may do so.
    ///
    /// For services without clients of their own, such as a job runner: ask once an interval. What the votes of clients are worth is
    /// lost then: when the network between the two servers is cut, the passive one takes over in any case, and both are
    /// active until it is whole again.
    ///
    /// - Returns: whether this server is active. If it cannot be known yet whether the peer is gone, the vote waits until it
    ///   is, and the answer is false.
    @discardableResult public func vote() -> Bool {
        guard phase == .running else { return false }
        // What the peer has said by now counts first.
        receiveHeartbeats()
        guard phase == .running else { return false }
        let now = MonotonicTime.now
        let action = member.requestArrived(at: now, isAutomatic: true)
        trace(.clientRequest, action)
        switch action {
        case .admit: return true
        case .promoteAndAdmit(let transition):
            settle(PairMember.Reaction(transition: transition, heldRequests: held.isEmpty ? nil : .serve), at: now)
            return true
        case .hold, .refuse:
            settle(.none, at: now)
            return false
        }
    }

    /// Suspends automatic failover: until ``resume()`` no client's request makes this server active. The peer may still hand over,
    /// and ``promote()`` works.
    public func pause() {
        member.isPaused = true
        tellPeer()
    }

    /// Takes this server out of service, so that it may be stopped or repaired: an active one hands over first, see
    /// ``stepDown()``; and until ``resume()`` it becomes active neither by a client's request nor by ``promote()``, and its
    /// peer does not hand over to it. While that lasts there is no failover: if the peer fails, nobody serves.
    ///
    /// - Throws: ``BinaryStarError`` with the code ``BinaryStarError/Code/cannotStepDown`` if this server is active and could not
    ///   hand over. Then nothing has changed.
    public func drain() async throws(BinaryStarError) {
        guard phase != .ended else { throw .stopped }
        if member.role == .active { try await stepDown() }
        isDrained = true
        updateHealth()
    }

    /// Ends ``pause()`` and ``drain()``.
    public func resume() {
        member.isPaused = false
        isDrained = false
        updateHealth()
    }

    /// Publishes at once what has changed of this server: by the time that an operator asks the peer for something, it should know.
    private func tellPeer() {
        guard phase == .running else { return }
        let now = MonotonicTime.now
        member.answer(at: now)
        settle(.none, at: now)
    }

    /// Whether automatic failover is suspended.
    public var isPaused: Bool { member.isPaused }

    // MARK: Draining

    /// Whether handlers run, or have replies that a server which has stalled holds back, or something runs that may only while
    /// this server is active.
    private var isBusy: Bool {
        activeScope.isOccupied || sockets.voters.values.contains { $0.inFlight > 0 || !$0.outcomes.isEmpty }
    }

    /// Waits until what belongs to the active time has ended, at most for the configured time.
    private func waitForTheRest() async {
        activeScope.cancel()
        Task { [activeScope] in
            await activeScope.close()
            resumeIfDrained()
        }
        let timer = PumpTimer { [weak self] _ in self?.assumeIsolated { $0.waiters.resumeDrained() } }
        timer.deadline = .now + configuration.drainTimeout
        pump.confined.insert(timer)
        await withCheckedContinuation { continuation in
            if phase == .running, isBusy { waiters.drained.append(continuation) } else { continuation.resume() }
        }
        pump.confined.remove(timer)
    }

    /// Whoever waits for the end of what runs may go on, if that was the last of it.
    func resumeIfDrained() {
        if !waiters.drained.isEmpty, !isBusy { waiters.resumeDrained() }
    }

    // MARK: Health

    /// Asks the application once an interval whether it can serve, for as long as the star runs.
    nonisolated func watchHealth() async {
        guard let health else { return }
        while !Task.isCancelled {
            let isHealthy = await withDeadline(configuration.timing.timeout) { await health() } ?? false
            guard !Task.isCancelled else { return }
            await setFit(isHealthy)
            try? await Task.sleep(for: configuration.timing.interval)
        }
    }

    /// What the peer is told: a server that an operator has drained is one that cannot serve.
    private func updateHealth() {
        member.isHealthy = isFit && !isDrained
        tellPeer()
    }

    private func setFit(_ isFit: Bool) async {
        if self.isFit != isFit {
            self.isFit = isFit
            updateHealth()
            logger.warning(isFit ? "this server can serve again" : "this server cannot serve")
        }
        // Again and again while it lasts: the peer may come back.
        guard !isFit, phase == .running, member.refusesStepDown(at: .now) == nil, !member.isDraining else { return }
        do { try await stepDown() } catch {
            rateLimitedLog.warning(
                "cannot hand over", to: logger, at: .now, metadata: [LogKey.error: "\(error)"])
        }
    }
}

/// What `operation` returns, or `nil` if it takes longer than `limit`. It must react to cancellation to end in time.
private func withDeadline<Value: Sendable>(
    _ limit: Duration,
    _ operation: @escaping @Sendable () async -> Value
) async -> Value? {
    await withTaskGroup(of: Value?.self) { group in
        group.addTask { await operation() }
        group.addTask {
            try? await Task.sleep(for: limit)
            return nil
        }
        defer { group.cancelAll() }
        return await group.next() ?? nil
    }
}
