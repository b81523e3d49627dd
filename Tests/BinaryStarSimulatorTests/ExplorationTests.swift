import BinaryStarCore
import Testing

@testable import BinaryStarSimulator

@Suite(.computesForLong) struct ExplorationTests {
    private func bounds(faults: Int, clients: Int = 1, ticks: Int? = nil, flaw: Bounds.Flaw = .none) -> Bounds {
        var bounds = Bounds()
        bounds.faults = faults
        bounds.clients = clients
        bounds.ticks = ticks
        bounds.flaw = flaw
        return bounds
    }

    @Test("Without a fault nothing is wrong, however long it goes on")
    func noFault() async {
        let result = await Explorer.explore(bounds(faults: 0, clients: 2))
        #expect(result.violation == nil)
        #expect(result.isClosed)
        #expect(result.states > 1_000)
    }

    @Test("With one fault nothing is wrong for a while")
    func oneFault() async {
        let result = await Explorer.explore(bounds(faults: 1, clients: 2, ticks: 2))
        #expect(result.violation == nil)
        #expect(result.ticks == 2 && !result.isClosed)
        #expect(result.states > 3_000)
    }

    @Test("The same bounds give the same count, whoever looks first")
    func determinism() async {
        var bounds = bounds(faults: 1, ticks: 3)
        let first = await Explorer.explore(bounds)
        bounds.workers = 1
        let second = await Explorer.explore(bounds)
        #expect(first.states == second.states)
        #expect(first.transitions == second.transitions)
        #expect(first.moves == second.moves)
    }

    /// A check is itself checked: what a driver of the core can do wrong is found.
    @Test(arguments: [
        (Bounds.Flaw.servesByRole, "rule 5"), (.clockStopsInStalls, "rule 5"),
    ])
    func aFlawIsFound(flaw: Bounds.Flaw, rule: String) async {
        let result = await Explorer.explore(bounds(faults: 1, flaw: flaw))
        #expect(result.violation?.hasPrefix(rule) == true)
        #expect(!result.trace.isEmpty)
    }
}

@Suite struct FingerprintTests {
    @Test("Equal situations are one, whenever they arise; others are not")
    func equalSituations() {
        var bounds = Bounds()
        bounds.clients = 1
        func met(restingFor ticks: Int) -> World {
            var world = World(bounds)
            while world.now < ticks {
                // What is due, in a fixed order.
                let next = world.moves().first {
                    switch $0 {
                    case .deliver, .tick, .rest: true
                    default: false
                    }
                }
                if let next { world.perform(next) }
            }
            return world
        }
        // An interval is two ticks.
        #expect(met(restingFor: 20).fingerprint == met(restingFor: 40).fingerprint)
        #expect(met(restingFor: 20).fingerprint != met(restingFor: 21).fingerprint)
        #expect(met(restingFor: 20).nodes.primary.member?.role == .active)
        var stalled = met(restingFor: 20)
        stalled.nodes.backup.isStalled = true
        #expect(stalled.fingerprint != met(restingFor: 20).fingerprint)
    }

    @Test func theSetKeepsWhatItGrowsOver() {
        var set = FingerprintSet()
        func print(_ number: Int64) -> Fingerprint {
            var print = Fingerprint()
            print.combine(number)
            return print
        }
        var new = 0
        for number in 0..<20_000 as Range<Int64> where set.insert(print(number % 10_000)) { new += 1 }
        #expect(new == 10_000)
        #expect(set.count == 10_000)
    }
}
