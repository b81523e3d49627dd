import ArgumentParser
import BinaryStarSimulator
import Synchronization

/// Runs that are drawn by chance.
struct SimulateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Runs pairs at random, with many faults.",
        discussion: """
            Each seed stands for one run, which it repeats exactly.
              bstar-sim --seeds 10000
              bstar-sim --seed 7 --trace
            """)

    @Option(help: "How many seeds to run.")
    var seeds: UInt64 = 1_000

    @Option(help: "The first seed.")
    var from: UInt64 = 1

    @Option(help: "Run this seed alone.")
    var seed: UInt64?

    @Flag(help: "With --seed: print what happens, and when.")
    var trace = false

    @Flag(help: "Stop when a rule was broken.")
    var failFast = false

    @Option(help: "How many seeds to run at a time.")
    var workers = 2

    func run() async throws {
        if let seed { return try runOne(seed) }
        let summary = Summary()
        let start = ContinuousClock.now
        await Campaign.run(seeds: from..<from + seeds, workers: max(1, workers)) { [failFast] outcome in
            summary.add(outcome)
            return !failFast || summary.firstFailure == nil
        }
        summary.print(duration: ContinuousClock.now - start)
        if let failed = summary.firstFailure {
            print("\nthe first that failed, with the faults that it takes:")
            show(Campaign.shrink(Scenario.draw(seed: failed)))
            throw ExitCode.failure
        }
    }

    private func runOne(_ seed: UInt64) throws {
        let scenario = Scenario.draw(seed: seed)
        guard trace else {
            let outcome = Campaign.run(scenario)
            print("seed \(seed): \(outcome.events) events, \(outcome.activations) activations")
            for violation in outcome.violations { print("  \(violation)") }
            if !outcome.violations.isEmpty { throw ExitCode.failure }
            return
        }
        let simulation = Simulation(scenario, traces: true)
        simulation.run()
        print(
            "seed \(seed): \(scenario.pair), \(scenario.timingText), \(scenario.links) links, clients \(scenario.clients)"
        )
        for line in simulation.trace ?? [] { print(line) }
        let violations = Checker.violations(in: simulation.history, of: scenario)
        for violation in violations { print("BROKEN \(violation)") }
        if !violations.isEmpty { throw ExitCode.failure }
    }

    private func show(_ scenario: Scenario) {
        print(
            "seed \(scenario.seed): \(scenario.pair), \(scenario.timingText), \(scenario.links) links, clients \(scenario.clients)"
        )
        for fault in scenario.faults { print("  \(fault)") }
        for violation in Campaign.run(scenario).violations.prefix(5) { print("  BROKEN \(violation)") }
        print("see it all: bstar-sim --seed \(scenario.seed) --trace")
    }
}

/// What many runs came to.
final class Summary: Sendable {
    private struct State {
        var runs = 0
        var events = 0
        var activations = 0
        var faults: [String: Int] = [:]
        var failures: [UInt64] = []
        var rules: [String: Int] = [:]
    }

    private let state = Mutex(State())

    func add(_ outcome: Outcome) {
        state.withLock { state in
            state.runs += 1
            state.events += outcome.events
            state.activations += outcome.activations
            for kind in outcome.faultKinds { state.faults[kind, default: 0] += 1 }
            if !outcome.violations.isEmpty { state.failures.append(outcome.seed) }
            for rule in Set(outcome.violations.map(\.rule)) { state.rules[rule, default: 0] += 1 }
        }
    }

    var firstFailure: UInt64? { state.withLock { $0.failures.min() } }

    func print(duration: Duration) {
        let state = state.withLock { $0 }
        Swift.print(
            "\(state.runs) runs, \(state.events) events, \(state.activations) activations in \(duration / .seconds(1)) s"
        )
        for (kind, count) in state.faults.sorted(by: { $0.key < $1.key }) { Swift.print("  \(count) × \(kind)") }
        Swift.print("\(state.failures.count) runs broke a rule")
        for (rule, count) in state.rules.sorted(by: { $0.key < $1.key }) { Swift.print("  \(rule): \(count) runs") }
        if !state.failures.isEmpty {
            Swift.print("  seeds: \(state.failures.sorted().prefix(20).map(String.init).joined(separator: " "))")
        }
    }
}
