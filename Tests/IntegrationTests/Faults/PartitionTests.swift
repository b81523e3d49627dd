import BinaryStar
import BinaryStarCore
import Foundation
import Testing

extension Faults {
    /// Partitions of a pair in network namespaces of its own, with clients that reach both servers.
    @Suite(.enabled(if: Network.obstacle == nil, "Skipped: \(Network.obstacle ?? "")"))
    struct PartitionTests {
        /// Far above the quarter of an interval after which a server tries another connection to a silent peer, and the few round
        /// trips until it hears it; far below what TCP and libzmq take by themselves.
        private static let healingLimit = Duration.milliseconds(500)

        /// Far above a round trip, and far below the interval of the heartbeats.
        private static let roundTripLimit = Duration.milliseconds(100)

        /// Cuts for this long, heals, and looks at what both did until then and afterwards.
        private func partition(_ cut: Network.Cut, seconds: Double = 2) async throws -> [Outcome] {
            var outcomes: [Outcome] = []
            for _ in 0..<FaultOptions.runs {
                outcomes.append(try await Network.with { try await partition($0, cut, seconds: seconds) })
            }
            report("cut for \(seconds) s: \(cut.rawValue)", outcomes)
            #expect(outcomes.allSatisfy { $0.bothRun }, "a server ended")
            return outcomes
        }

        private func partition(_ network: Network, _ cut: Network.Cut, seconds: Double) async throws -> Outcome {
            let trial = try await Trial(at: network.place)
            var cutAt: Int64 = 0
            var healedAt: Int64 = 0
            let records = try await trial.run(seconds: seconds + 3) {
                cutAt = MonotonicTime.now.nanoseconds
                try await network.apply(cut)
                try await Task.sleep(for: .seconds(seconds))
                try await network.heal()
                healedAt = MonotonicTime.now.nanoseconds
            }
            let conflict = try Checker(records).checkConflictHealed()
            let conflictEnd = conflict?.upperBound
            if let conflictEnd {
                #expect(conflictEnd - healedAt < Self.healingLimit.wholeNanoseconds)
            }
            let checker = Checker(
                records, cut: cut.isBetweenServers ? cutAt...max(conflictEnd ?? healedAt, healedAt) : nil)
            try checker.checkAll()
            return Outcome(
                checker: checker, changes: checker.roleChanges(since: cutAt), bothRun: trial.bothRun,
                conflict: conflict, healing: conflictEnd.map { $0 - healedAt })
        }

        @Test func peerLink() async throws {
            let outcomes = try await partition(.peerLink)
            // Clients ask both, so that both become active; and one stays.
            #expect(outcomes.allSatisfy { $0.healing != nil })
        }

        @Test(arguments: [Network.Cut.fromPrimary, .fromBackup])
        func oneDirectionOfThePeerLink(_ cut: Network.Cut) async throws {
            _ = try await partition(cut)
        }

        /// The passive server takes over, and the active one hears that at once: it gives way although the link does not heal.
        @Test func backupIsDeaf() async throws {
            let outcomes = try await partition(.wordsOfPrimary)
            #expect(outcomes.allSatisfy { ($0.healing ?? .max) < 0 })
            // "Within one round trip": here no connection has to recover first.
            let lengths = outcomes.map { ($0.conflict?.upperBound ?? .max) - ($0.conflict?.lowerBound ?? 0) }
            #expect(lengths.allSatisfy { $0 < Self.roundTripLimit.wholeNanoseconds }, "\(lengths)")
        }

        @Test func primaryIsDeaf() async throws {
            let outcomes = try await partition(.wordsOfBackup)
            #expect(outcomes.allSatisfy { $0.changes.isEmpty })
        }

        /// The servers hear each other, so that nothing changes; what was asked is answered when the link is back.
        @Test(arguments: [Network.Cut.clientLink, .requests, .replies])
        func linkToTheClients(_ cut: Network.Cut) async throws {
            let outcomes = try await partition(cut)
            #expect(outcomes.allSatisfy { $0.changes.isEmpty && $0.checker.failures == 0 })
        }

        /// To everybody the active server falls silent.
        @Test func allLinksOfTheActive() async throws {
            let outcomes = try await partition(.primary)
            #expect(outcomes.allSatisfy { $0.servers == [.primary, .backup] && $0.checker.failures == 0 })
        }
    }
}
