import BinaryStarCore
import Logging
import ServiceLifecycle
import ZeroMQ

extension BinaryStar {
    /// Runs the server until it is told to stop.
    ///
    /// It returns when its task is cancelled or the service group shuts down gracefully; in the latter case an active star hands
    /// over to its peer first, see ``stepDown()``. By then every handler has ended,
    /// every socket is closed, every stream has finished, and the endpoints are free for another star, also in the
    /// same process. A star runs once; create another one to start again.
    ///
    /// - Throws: ``BinaryStarError`` with the code
    ///   ``BinaryStarError/Code/endpointUnavailable`` if an endpoint cannot be used,
    ///   ``BinaryStarError/Code/conflict`` if both servers claim to be active or both to be passive, and
    ///   ``BinaryStarError/Code/alreadyRan`` if the star was run before.
    ///
    /// Source: zguide, chapter 4, `bstar_start` and `bstar_destroy`.
    public nonisolated func run() async throws {
        let stop = PumpSignal(pump: pump) { [weak self] in
            self?.assumeIsolated { $0.requestEnd(.success(())) }
        }
        try await start()
        let announcer = Task { await announce(changes) }
        let healthWatch = Task { await watchHealth() }
        await withTaskCancellationHandler {
            await withGracefulShutdownHandler {
                await waitForEnd()
            } onGracefulShutdown: {
                Task { await self.handOverAndEnd() }
            }
        } onCancel: {
            stop.raise()
        }
        healthWatch.cancel()
        await healthWatch.value
        let end = await shutDown()
        await announcer.value
        try end.get()
    }

    private func start() throws(BinaryStarError) {
        guard phase == .idle else {
            throw BinaryStarError(.alreadyRan, "run() was called before; a star runs once, create a new one")
        }
        // In the meantime it may have been paused.
        let isPaused = member.isPaused
        member = Self.makeMember(configuration, log: transitionLog)
        member.isPaused = isPaused
        member.isHealthy = !isDrained
        startedAt = .now
        phase = .running
        do throws(BinaryStarError) {
            try openPeerLink()
            try openControl()
        } catch {
            return requestEnd(.failure(error))
        }
        logger.info(
            "star started",
            metadata: [
                LogKey.role: "\(member.role)", LogKey.listen: "\(sockets.peerLink?.endpoints ?? [])",
                LogKey.connect: "\(configuration.allConnect)",
            ])
        for voter in sockets.voters.values { pump.confined.setEvents(.readable, of: voter.pumped) }
        if let control = sockets.control { pump.confined.setEvents(.readable, of: control.pumped) }
        let timer = PumpTimer { [weak self] now in self?.assumeIsolated { $0.tick(at: now) } }
        pump.confined.insert(timer)
        sockets.timer = timer
        tick(at: .now)
        waiters.resumeRunning(phase == .running)
    }

    /// Waits until the star runs: its endpoints are bound, and its heartbeats go out.
    ///
    /// - Returns: false if it has ended instead.
    package func waitUntilRunning() async -> Bool {
        guard phase == .idle else { return phase == .running }
        return await withCheckedContinuation { waiters.running.append($0) }
    }

    /// Hands over if it is possible, and makes ``run()`` return.
    func handOverAndEnd() async {
        do throws(BinaryStarError) { try await stepDown() } catch {
            logger.info("stopping without a handover", metadata: [LogKey.reason: "\(error)"])
        }
        requestEnd(.success(()))
    }

    /// Makes ``run()`` return. The first reason counts.
    func requestEnd(_ reason: Result<Void, BinaryStarError>) {
        guard end == nil else { return }
        end = reason
        // From here on nothing is published, heard or served: a server that has stopped because of a conflict must not tell
        // its peer once more that it is active.
        phase = .ended
        // What runs only while the star is active, and the handlers, end as early as can be.
        changesContinuation.finish()
        lease.update(end: .distantPast, term: nil)
        waiters.resumeRunning(false)
        waiters.resumeDrained()
        waiters.resumeHandedOver(false)
        refuseHeldRequests()
        for pool in handlerPools { pool.cancel() }
        for voter in sockets.voters.values { pump.confined.setEvents([], of: voter.pumped) }
        endContinuation.take()?.resume()
    }

    private func waitForEnd() async {
        await withCheckedContinuation { continuation in
            // Asked here and not before: the call may let other work of the actor in between.
            if end == nil { endContinuation = continuation } else { continuation.resume() }
        }
    }

    private var handlerPools: [HandlerPool] {
        sockets.voters.values.compactMap { voter in
            if case .pool(let pool) = voter.service { pool } else { nil }
        }
    }

    private func shutDown() async -> Result<Void, BinaryStarError> {
        let pools = handlerPools
        await stopListening(sockets.listening)
        sockets.close(in: pump.confined)
        for pool in pools { await pool.end() }
        pushMetrics(at: .now)
        logger.info("star stopped", metadata: [LogKey.role: "\(member.role)"])
        return end ?? .success(())
    }

    /// Stops listening, and returns when the endpoints are free.
    private func stopListening(_ sockets: [(PumpedSocket, [String])]) async {
        let closing = ListenerClosing(loop: pump.confined)
        for (pumped, endpoints) in sockets where !endpoints.isEmpty {
            do throws(ZeroMQError) {
                try closing.close(pumped, endpoints: endpoints)
            } catch {
                logger.warning("cannot stop listening", metadata: [LogKey.error: "\(error)"])
            }
        }
        let inTime = await withCheckedContinuation { continuation in
            closing.finish { continuation.resume(returning: $0) }
        }
        if !inTime {
            logger.warning("libzmq has not closed every listener in time")
        }
    }
}
