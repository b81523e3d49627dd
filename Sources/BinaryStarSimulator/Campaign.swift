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

    /// The same scenario with as few faults as still break a rule.
    package static func shrink(_ scenario: Scenario) -> Scenario {
        var best = scenario
        var index = 0
        while index < best.faults.count {
            var smaller = best
            smaller.faults.remove(at: index)
            if run(smaller).violations.isEmpty { index += 1 } else { best = smaller }
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
