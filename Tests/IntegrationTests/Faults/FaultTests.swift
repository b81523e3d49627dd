import BinaryStar
import BinaryStarCore
import Foundation
import TestSupport
import Testing

/// Faults of the processes of a pair on this machine. A client of ours starts a request every 5 ms, and one at each server
/// asks whatever the server's role is.
///
/// `FAULT_RUNS=20 swift test --filter Faults` tries each 20 times. Only by themselves: among other tests the servers are
/// starved of processor time, which is a fault of its own.
extension Faults {
    @Suite struct FaultTests {
        /// The defaults of `bstar serve`.
        private static let timing = HeartbeatTiming.standard
        /// Far below the timeout: the proof of death, or the handover, decides and not the silence. A few runs allow for a
        /// machine that stalls.
        private static let quickGap = (FaultOptions.runs < 10 ? timing.timeout * 3 : timing.timeout / 2)
            .wholeNanoseconds
        /// The silence decides.
        private static let silentGap = (timing.timeout * 3).wholeNanoseconds

        private func measure(
            _ name: String,
            seconds: Double,
            fault: (Trial) async throws -> Void
        ) async throws -> [Outcome] {
            try await IntegrationTests.measure(name, seconds: seconds, at: Place.loopback, fault: fault)
        }

        /// With what the others compare.
        @Test func noFault() async throws {
            let outcomes = try await measure("no fault", seconds: 2) { _ in }
            #expect(outcomes.allSatisfy { $0.servers == [.primary] && $0.changes.isEmpty && $0.bothRun })
        }

        @Test func killOfTheActive() async throws {
            let outcomes = try await measure("SIGKILL of the active", seconds: 2) { $0.server(.primary).send(SIGKILL) }
            #expect(outcomes.allSatisfy { $0.servers == [.primary, .backup] })
            #expect(outcomes.allSatisfy { $0.checker.longestGap < Self.quickGap })
        }

        @Test func terminationOfTheActive() async throws {
            let outcomes = try await measure("SIGTERM of the active", seconds: 2) { trial in
                trial.server(.primary).send(SIGTERM)
                #expect(await trial.server(.primary).exitCode() == 0)
            }
            #expect(outcomes.allSatisfy { $0.servers == [.primary, .backup] })
            #expect(outcomes.allSatisfy { $0.checker.longestGap < Self.quickGap })
        }

        @Test func stopOfTheActiveForLongerThanTheTimeout() async throws {
            let outcomes = try await measure("SIGSTOP of the active for 2 s", seconds: 4) { trial in
                try await stop(.primary, of: trial, for: .seconds(2))
            }
            // The one that was stopped comes back passive.
            #expect(outcomes.allSatisfy { $0.servers == [.primary, .backup] })
            #expect(outcomes.allSatisfy { $0.checker.longestGap < Self.silentGap && $0.bothRun })
        }

        @Test func stopOfTheActiveForLessThanTheTimeout() async throws {
            let outcomes = try await measure("SIGSTOP of the active for 0.7 s", seconds: 2.5) { trial in
                try await stop(.primary, of: trial, for: .seconds(0.7))
            }
            // It proves itself, and goes on: in a new term, since its peer may have served and died meanwhile.
            #expect(outcomes.allSatisfy { $0.servers == [.primary] })
            #expect(outcomes.allSatisfy { $0.changes.allSatisfy { $0.seat == .primary && $0.role == $0.from } })
        }

        @Test func stopOfThePassive() async throws {
            let seconds = FaultOptions.isLong ? 60.0 : 3
            let outcomes = try await measure("SIGSTOP of the passive for \(seconds) s", seconds: seconds + 2) { trial in
                try await stop(.backup, of: trial, for: .seconds(seconds))
            }
            #expect(outcomes.allSatisfy { $0.servers == [.primary] && $0.changes.isEmpty && $0.bothRun })
        }

        @Test func restartFasterThanTheTimeout() async throws {
            let outcomes = try await measure("restart of the active at once", seconds: 2.5) { trial in
                trial.server(.primary).send(SIGKILL)
                _ = await trial.server(.primary).exitCode()
                try trial.start(.primary)
            }
            // No automatic failback.
            #expect(outcomes.allSatisfy { $0.servers == [.primary, .backup] && $0.bothRun })
        }

        @Test func restartSlowerThanTheTimeout() async throws {
            let outcomes = try await measure("restart of the active after 1.5 s", seconds: 3.5) { trial in
                trial.server(.primary).send(SIGKILL)
                try await Task.sleep(for: .seconds(1.5))
                try trial.start(.primary)
                try await trial.waitUntil(.primary, is: .passive)
            }
            #expect(outcomes.allSatisfy { $0.servers == [.primary, .backup] && $0.bothRun })
        }

        @Test func starvationOfBoth() async throws {
            var place = try Place.loopback()
            place.serverPrefix = [.primary: ["nice", "-n", "19"], .backup: ["nice", "-n", "19"]]
            let starved = place
            let outcomes = try await IntegrationTests.measure(
                "niced servers beside busy processes for 3 s", seconds: 4, at: { starved }
            ) { _ in
                let count = ProcessInfo.processInfo.activeProcessorCount * 2
                let busy = try (0..<count).map { _ in try BusyProcess() }
                try await Task.sleep(for: .seconds(3))
                withExtendedLifetime(busy) {}
            }
            #expect(outcomes.allSatisfy { $0.bothRun })
        }

        @Test func stormOfStops() async throws {
            let outcomes = try await measure("SIGSTOP and SIGCONT of both at random for 4 s", seconds: 6.5) { trial in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for seat in Seat.allCases { group.addTask { try await storm(seat, of: trial) } }
                    try await group.waitForAll()
                }
            }
            #expect(outcomes.allSatisfy { $0.bothRun })
        }
    }
}

private func stop(_ seat: Seat, of trial: Trial, for duration: Duration) async throws {
    trial.server(seat).send(SIGSTOP)
    try await Task.sleep(for: duration)
    trial.server(seat).send(SIGCONT)
}

/// Stops of up to 1.5 s with up to 0.4 s in between.
private func storm(_ seat: Seat, of trial: Trial) async throws {
    let end = ContinuousClock.now + .seconds(4)
    while ContinuousClock.now < end {
        let length = Double.random(in: 0..<1) < 0.8 ? Double.random(in: 0.01..<0.3) : Double.random(in: 0.8..<1.5)
        try await stop(seat, of: trial, for: .seconds(length))
        try await Task.sleep(for: .seconds(.random(in: 0.01..<0.4)))
    }
}

/// A process that takes all the processor time that it gets.
private final class BusyProcess {
    private let process = Process()

    init() throws {
        process.executableURL = URL(filePath: "/bin/sh")
        process.arguments = ["-c", "while :; do :; done"]
        try process.run()
    }

    deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }
}

/// All that need the machine for themselves, one after the other.
@Suite(
    .serialized, .timeLimit(.minutes(30)), .enabled(if: Tool.canRun, Tool.reason),
    .enabled(if: FaultOptions.runs > 0, FaultOptions.reason))
enum Faults {}
