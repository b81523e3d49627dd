import BinaryStar
import Synchronization

/// Runs the program while the star is active: starts it again when it exits, and lets the peer take over when that is too often.
final class GuardedProgram: Sendable {
    private let command: [String]
    private let grace: Duration
    private let onActive: String?
    private let onPassive: String?
    private let limit: RestartLimit
    private let seat: Seat
    private let health = Atomic(true)

    init(
        command: [String], grace: Duration, onActive: String?, onPassive: String?, limit: RestartLimit, seat: Seat
    ) {
        self.command = command
        self.grace = grace
        self.onActive = onActive
        self.onPassive = onPassive
        self.limit = limit
        self.seat = seat
    }

    /// Whether the program runs here as it should, or may for all that is known.
    var isHealthy: Bool { health.load(ordering: .relaxed) }

    /// Returns when the star has stopped, and with it the program.
    func run(on star: BinaryStar) async throws {
        try await star.whileActive { [self] in
            // One that may have been superseded during a stall goes on in a new term, which the program has to know.
            let changes = star.events
            let status = await star.status
            var (term, cause) = (status.term, status.lastChange.map { "\($0.cause)" } ?? "")
            while let next = await keepRunning(in: term, because: cause, on: star, until: changes) {
                (term, cause) = (next.term, "\(next.cause)")
            }
            // The program has ended, and the peer is let take over when this body has.
            if let onPassive { await runHook(onPassive, variables(.passive, term, await reasonToEnd(on: star))) }
        }
    }

    /// Keeps the program running until it is not to run any more.
    ///
    /// - Returns: the change that gave the star a new term, or `nil`.
    private func keepRunning(
        in term: UInt64, because cause: String, on star: BinaryStar, until changes: AsyncStream<RoleChange>
    ) async -> RoleChange? {
        await withTaskGroup(of: RoleChange?.self) { group in
            group.addTask { [self] in
                await runAgainAndAgain(in: term, because: cause, on: star)
                return nil
            }
            group.addTask {
                await changes.first { $0.to == .active && $0.term > term }
            }
            defer { group.cancelAll() }
            return await group.next() ?? nil
        }
    }

    private func runAgainAndAgain(in term: UInt64, because cause: String, on star: BinaryStar) async {
        // The star may have ceased to be active while the program of an earlier term ended.
        guard !Task.isCancelled else { return }
        let variables = variables(.active, term, cause)
        if let onActive { await runHook(onActive, variables) }
        let lease = lease(of: star)
        var limit = limit
        while !Task.isCancelled {
            let outcome = await Result {
                try await Program(command: command, variables: variables, grace: grace, lease: lease).run()
            }
            guard !Task.isCancelled else { return }
            if case .success(let exit) = outcome, exit.hasLostLease {
                Console.printError(
                    "bstar: \(command[0]) was killed, because this server stalled for so long that its peer may have "
                        + "taken over")
                await waitUntilSure(of: star, in: term)
            } else if let delay = limit.noteExit(at: .now) {
                Console.printError("bstar: \(command[0]) \(outcome.text); it is started again in \(delay.short)")
                try? await Task.sleep(for: delay)
            } else {
                Console.printError(
                    "bstar: \(command[0]) \(outcome.text), \(limit.restarts + 1) times within \(limit.window.short); "
                        + "the peer is asked to take over")
                await standAside(for: limit.window)
                limit.reset()
            }
        }
    }

    // MARK: The lease

    /// The program may run for as long as the star may serve. One that has stopped with nobody to hand over to leaves it the grace.
    private func lease(of star: BinaryStar) -> Program.Lease {
        let timing = star.configuration.timing
        // Well below the stall that the star's lease allows for.
        let period = max(.milliseconds(1), (timing.timeout - timing.interval) / 8)
        return Program.Lease(period: period) { [grace] in await star.leaseEnd(grace: grace) }
    }

    /// Waits until the star knows again that its peer did not take over. If that took a new term, the task is about to be
    /// cancelled.
    private func waitUntilSure(of star: BinaryStar, in term: UInt64) async {
        while !Task.isCancelled, !star.lease.isValid || star.lease.term != term {
            try? await Task.sleep(for: .milliseconds(10))
        }
    }

    /// Says that this machine cannot serve, which makes the star hand over; and returns soon if nobody takes over.
    private func standAside(for time: Duration) async {
        health.store(false, ordering: .relaxed)
        try? await Task.sleep(for: min(time, .seconds(5)))
        guard Task.isCancelled else { return health.store(true, ordering: .relaxed) }
        // Handed over: what failed here may fail here again, but better than nowhere.
        Task {
            try? await Task.sleep(for: time)
            health.store(true, ordering: .relaxed)
        }
    }

    // MARK: Hooks

    /// Why the active time of the star ends.
    private func reasonToEnd(on star: BinaryStar) async -> String {
        let status = await star.status
        if status.role == .active { return status.isDraining ? "\(Cause.stepDown)" : "stopped" }
        return status.lastChange.map { "\($0.cause)" } ?? ""
    }

    /// Runs a hook to its end, also in a task that was cancelled.
    private func runHook(_ hook: String, _ variables: [String: String]) async {
        let timer = Task { try await Task.sleep(for: grace) }
        let running = Task {
            try await Program(command: ["/bin/sh", "-c", hook], variables: variables, grace: .seconds(1)).run()
        }
        let watch = Task {
            try await timer.value
            running.cancel()
        }
        let outcome = await running.result
        timer.cancel()
        _ = await watch.result
        if case .success(let exit) = outcome, exit.code == 0 { return }
        Console.printError("bstar: the hook failed: \(hook)")
    }

    private func variables(_ role: Role, _ term: UInt64, _ cause: String) -> [String: String] {
        ["BSTAR_TERM": "\(term)", "BSTAR_SEAT": "\(seat)", "BSTAR_ROLE": "\(role)", "BSTAR_CAUSE": cause]
    }
}

extension Result<ProgramExit, any Error> {
    fileprivate var text: String {
        switch self {
        case .success(let exit): exit.text
        case .failure(let error): "could not be started: \(error)"
        }
    }
}
