/// One run of a scenario, and what is wrong with it.
package struct Outcome: Sendable {
    package var seed: UInt64
    package var events: Int
    package var activations: Int
    package var violations: [Violation]
    package var faultKinds: [String]
}

/// Runs scenarios, and makes those that fail shorter.
package enum Campaign {
    package static func run(_ scenario: Scenario) -> Outcome {
        let simulation = Simulation(scenario)
        simulation.run()
        return Outcome(
            seed: scenario.seed, events: simulation.eventCount,
            activations: simulation.history.roleChanges.count { $0.isActivation },
            violations: Checker.violations(in: simulation.history, of: scenario),
            faultKinds: scenario.faults.map(\.fault.kind))
    }

    /// The same scenario with as few faults, as short a run and as short faults as still break a rule.
    package static func shrink(_ scenario: Scenario) -> Scenario {
        guard let rule = run(scenario).violations.first?.rule else { return scenario }
        var best = scenario
        /// Takes over a change after which the rule is still broken.
        func attempt(_ change: (inout Scenario) -> Void) -> Bool {
            var smaller = best
            change(&smaller)
            guard run(smaller).violations.contains(where: { $0.rule == rule }) else { return false }
            best = smaller
            return true
        }
        var index = 0
        while index < best.faults.count {
            if !attempt({ $0.faults.remove(at: index) }) { index += 1 }
        }
        if let broken = run(best).violations.first(where: { $0.rule == rule })?.instant {
            _ = attempt { $0.end = min($0.end, broken + .milliseconds(1)) }
        }
        for index in best.faults.indices {
            while let shorter = best.faults[index].fault.halved, attempt({ $0.faults[index].fault = shorter }) {}
        }
        return best
    }

    /// Runs the seeds, several at a time, for as long as `each` says to go on.
    package static func run(
        seeds: Range<UInt64>,
        workers: Int,
        each: @escaping @Sendable (Outcome) -> Bool
    ) async {
        await withTaskGroup(of: Void.self) { group in
            for worker in 0..<workers {
                group.addTask {
                    for seed in seeds where Int(seed % UInt64(workers)) == worker {
                        guard each(run(Scenario.draw(seed: seed))) else { return }
                    }
                }
            }
        }
    }
}
