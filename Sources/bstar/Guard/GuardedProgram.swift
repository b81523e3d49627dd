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
        async let hooks: Void = runPassiveHooks(star.events)
        try await star.whileActive { [self] in
            // One that was superseded during a stall goes on in a new term, which the program has to know.
            let changes = star.events
            let status = await star.status
            var change: (term: UInt64, cause: String) = (status.term, status.lastChange.map { "\($0.cause)" } ?? "")
            while !Task.isCancelled {
                guard let next = await keepRunning(change, until: changes) else { return }
                change = (next.term, "\(next.cause)")
            }
        }
        await hooks
    }

    /// Keeps the program running until it is not to run any more.
    ///
    /// - Returns: the change that gave the star a new term, or `nil`.
    private func keepRunning(
        _ change: (term: UInt64, cause: String), until changes: AsyncStream<RoleChange>
    ) async -> RoleChange? {
        await withTaskGroup(of: RoleChange?.self) { group in
            group.addTask { [self] in
                await runAgainAndAgain(variables(.active, change.term, change.cause))
                return nil
            }
            group.addTask {
                for await change in changes where change.from == .active && change.to == .active {
                    if change.cause.isAfterAnotherServed { return change }
                }
                return nil
            }
            defer { group.cancelAll() }
            return await group.next() ?? nil
        }
    }

    private func runAgainAndAgain(_ variables: [String: String]) async {
        if let onActive { await runHook(onActive, variables) }
        var limit = limit
        while !Task.isCancelled {
            let outcome = await runOnce(variables)
            guard !Task.isCancelled else { return }
            if let delay = limit.noteExit(at: .now) {
                Console.printError("bstar: \(command[0]) \(outcome); it is started again in \(delay.short)")
                try? await Task.sleep(for: delay)
            } else {
                Console.printError(
                    "bstar: \(command[0]) \(outcome), \(limit.restarts + 1) times within \(limit.window.short); "
                        + "the peer is asked to take over")
                await standAside(for: limit.window)
                limit.reset()
            }
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

    private func runOnce(_ variables: [String: String]) async -> String {
        do {
            return try await Program(command, variables: variables, grace: grace).run().text
        } catch {
            return "could not be started: \(error)"
        }
    }

    // MARK: Hooks

    private func runPassiveHooks(_ events: AsyncStream<RoleChange>) async {
        guard let onPassive else { return }
        for await change in events where change.to != .active && change.from == .active {
            await runHook(onPassive, variables(change.to, change.term, "\(change.cause)"))
        }
    }

    private func runHook(_ hook: String, _ variables: [String: String]) async {
        let timer = Task { try await Task.sleep(for: grace) }
        let running = Task {
            try await Program(["/bin/sh", "-c", hook], variables: variables, grace: .seconds(1)).run()
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
