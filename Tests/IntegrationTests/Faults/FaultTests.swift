import BinaryStar
import Foundation
import Synchronization
import TestSupport
import Testing

private let faultRuns = ProcessInfo.processInfo.environment["FAULT_RUNS"].flatMap { Int($0) } ?? 0

/// A pair of real processes under faults, with a client of ours at 5 ms and a prober at each server.
///
/// `FAULT_RUNS=20 swift test --filter FaultTests` tries each fault 20 times. Only by itself: among other tests the servers are
/// starved of processor time, which is a fault of its own.
@Suite(
    .serialized, .timeLimit(.minutes(30)), .enabled(if: Tool.canRun, Tool.reason),
    .enabled(if: faultRuns > 0, "FAULT_RUNS is not set; these tests need the machine for themselves."))
struct FaultTests {
    /// Far below the timeout: the proof of death, or the handover, decides and not the silence. A few runs allow for a machine
    /// that stalls.
    private static let quickGap = faultRuns < 10 ? timing.timeout * 3 : timing.timeout / 2
    /// The defaults of `bstar serve`.
    private static let timing = HeartbeatTiming.standard

    /// What a client saw of a fault.
    private struct Outcome: Sendable {
        /// From the last good reply before the longest gap to the first after it.
        var gap: Duration
        var failures: Int
        var servers: [Seat]
        var terms: [UInt64]
    }

    /// A fresh pair, its fault, and what the client saw. The checker looks at what the servers answered.
    private func run(
        seconds: Double = 3,
        fault:
            @escaping @Sendable (_ active: ServerProcess, _ passive: ServerProcess, _ pair: PairFiles) async throws
            -> Void
    ) async throws -> Outcome {
        let pair = PairFiles()
        let primary = try ServerProcess(pair.arguments(.primary))
        let backup = try ServerProcess(pair.arguments(.backup))
        let client = try BinaryStarClient(
            configuration: .init(primary: pair.front(.primary), backup: pair.front(.backup)))
        try await pair.untilPassive(.backup)
        let probers = Seat.allCases.map { Prober($0, at: pair.front($0)) }
        let load = Task { await drive(client, for: .seconds(seconds)) }
        try await Task.sleep(for: .milliseconds(300 + .random(in: 0..<250)))
        try await fault(primary, backup, pair)
        let outcome = await load.value
        var answers: [Answer] = []
        for prober in probers { answers += await prober.stop() }
        await client.close()
        withExtendedLifetime((primary, backup)) {}
        try Checker.oneActive(answers)
        try Checker.termsAreUnique(answers)
        // "A client never goes back."
        #expect(outcome.terms == outcome.terms.sorted())
        return outcome
    }

    /// A request every 5 ms, one after the other.
    private func drive(_ client: BinaryStarClient, for duration: Duration) async -> Outcome {
        let end = ContinuousClock.now + duration
        var outcome = Outcome(gap: .zero, failures: 0, servers: [], terms: [])
        var lastGood: ContinuousClock.Instant?
        while ContinuousClock.now < end {
            do {
                let reply = try await client.request("x")
                let now = ContinuousClock.now
                if let lastGood { outcome.gap = max(outcome.gap, now - lastGood) }
                lastGood = now
                if outcome.servers.last != reply.server { outcome.servers.append(reply.server) }
                if let term = reply.term, outcome.terms.last != term { outcome.terms.append(term) }
            } catch {
                outcome.failures += 1
            }
            try? await Task.sleep(for: .milliseconds(5))
        }
        return outcome
    }

    private func measure(
        _ name: String,
        seconds: Double = 3,
        fault:
            @escaping @Sendable (_ active: ServerProcess, _ passive: ServerProcess, _ pair: PairFiles) async throws
            -> Void
    ) async throws -> [Outcome] {
        var outcomes: [Outcome] = []
        for _ in 0..<faultRuns { outcomes.append(try await run(seconds: seconds, fault: fault)) }
        let gaps = outcomes.map(\.gap).sorted()
        let milliseconds = gaps.map { ($0 / .milliseconds(1)).formatted(.number.precision(.fractionLength(1))) }
        print(
            "\(name): \(gaps.count) runs, gap p50 \(milliseconds[gaps.count / 2]) ms, max \(milliseconds.last ?? "") ms"
        )
        #expect(outcomes.allSatisfy { $0.failures == 0 })
        return outcomes
    }

    @Test func killOfTheActive() async throws {
        let outcomes = try await measure("SIGKILL of the active") { active, _, _ in active.send(SIGKILL) }
        #expect(outcomes.allSatisfy { $0.servers == [.primary, .backup] })
        #expect(outcomes.allSatisfy { $0.gap < Self.quickGap })
    }

    @Test func terminationOfTheActive() async throws {
        let outcomes = try await measure("SIGTERM of the active") { active, _, _ in active.send(SIGTERM) }
        #expect(outcomes.allSatisfy { $0.servers == [.primary, .backup] })
        #expect(outcomes.allSatisfy { $0.gap < Self.quickGap })
    }

    @Test func stopOfTheActiveForLongerThanTheTimeout() async throws {
        let outcomes = try await measure("SIGSTOP of the active for 2.5 s", seconds: 5) { active, _, _ in
            active.send(SIGSTOP)
            try await Task.sleep(for: .seconds(2.5))
            active.send(SIGCONT)
        }
        // The one that was stopped comes back passive.
        #expect(outcomes.allSatisfy { $0.servers == [.primary, .backup] })
    }

    @Test func stopOfTheActiveForLessThanTheTimeout() async throws {
        let outcomes = try await measure("SIGSTOP of the active for 0.7 s", seconds: 3) { active, _, _ in
            active.send(SIGSTOP)
            try await Task.sleep(for: .seconds(0.7))
            active.send(SIGCONT)
        }
        // It proves itself, and goes on.
        #expect(outcomes.allSatisfy { $0.servers == [.primary] && $0.terms.count == 1 })
    }

    @Test func stopOfThePassive() async throws {
        let outcomes = try await measure("SIGSTOP of the passive for 3 s", seconds: 5) { _, passive, _ in
            passive.send(SIGSTOP)
            try await Task.sleep(for: .seconds(3))
            passive.send(SIGCONT)
        }
        #expect(outcomes.allSatisfy { $0.servers == [.primary] && $0.terms.count == 1 })
    }

    @Test func restartFasterThanTheTimeout() async throws {
        let restarted = Mutex<[ServerProcess]>([])
        let outcomes = try await measure("restart of the active at once") { active, _, pair in
            active.send(SIGKILL)
            let server = try ServerProcess(pair.arguments(.primary))
            restarted.withLock { $0.append(server) }
        }
        restarted.withLock { $0 = [] }
        // No automatic failback.
        #expect(outcomes.allSatisfy { $0.servers == [.primary, .backup] })
    }
}

/// The endpoints of a pair of processes, in a folder of its own.
struct PairFiles: Sendable {
    let folder = TemporaryFolder()

    func front(_ seat: Seat) -> String { folder.ipc("front-\(seat)") }
    private func state(_ seat: Seat) -> String { folder.ipc("state-\(seat)") }

    func arguments(_ seat: Seat) -> [String] {
        [
            "--seat", "\(seat)", "--frontend", front(seat), "--listen", state(seat), "--connect", state(seat.other),
        ]
    }

    /// Waits until the server refuses because it is passive.
    func untilPassive(_ seat: Seat) async throws {
        for _ in 0..<100 {
            let prober = Prober(seat, at: front(seat))
            try await Task.sleep(for: .milliseconds(100))
            let answers = await prober.stop()
            if let last = answers.last, last.kind == .refusal, last.term > 0 { return }
        }
        throw Checker.Violation(description: "the \(seat) did not become passive")
    }
}
