import BinaryStarCore
import Testing

@testable import BinaryStarSimulator

@Suite(.computesForLong) struct SimulationTests {
    private func trace(_ seed: UInt64) -> [String] {
        let simulation = Simulation(Scenario.draw(seed: seed), traces: true)
        simulation.run()
        return simulation.trace ?? []
    }

    @Test("A seed reproduces a run byte for byte", arguments: [1, 77, 360] as [UInt64])
    func reproduction(seed: UInt64) {
        let first = trace(seed)
        #expect(first.count > 50)
        #expect(first == trace(seed))
        #expect(first != trace(seed + 1))
    }

    @Test("No rule is broken")
    func noRuleIsBroken() {
        for seed in 1...60 as ClosedRange<UInt64> {
            let outcome = Campaign.run(Scenario.draw(seed: seed))
            #expect(outcome.violations.isEmpty, "seed \(seed)")
            #expect(outcome.events > 1_000)
        }
    }
}
