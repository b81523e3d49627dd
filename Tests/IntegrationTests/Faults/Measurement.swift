import BinaryStar
import BinaryStarCore
import Foundation
import Testing

/// How the faults are tried, from the environment.
enum FaultOptions {
    private static let environment = ProcessInfo.processInfo.environment

    /// How often each fault is tried.
    static let runs = environment["FAULT_RUNS"].flatMap { Int($0) } ?? 0
    /// How many milliseconds there are between the starts of two requests.
    static let period = environment["FAULT_PERIOD"].flatMap { Int($0) } ?? 5
    /// Whether what takes a minute each time is tried too.
    static let isLong = environment["FAULTS_LONG"] != nil

    static let reason: Comment = "FAULT_RUNS is not set; these tests need the machine for themselves."
}

/// What one run of a fault has shown.
struct Outcome: Sendable {
    var checker: Checker
    /// Changes of role from the instant before the fault on.
    var changes: [Record]
    var bothRun: Bool
    /// While both were active.
    var conflict: ClosedRange<Int64>?
    /// From the healing of the links to the end of the conflict, if there was one.
    var healing: Int64?

    var servers: [Seat] { checker.servers }
}

/// Tries a fault as often as it is asked for, checks the rules each time, and prints what was measured.
func measure(
    _ name: String,
    seconds: Double,
    at place: () throws -> Place,
    fault: (Trial) async throws -> Void
) async throws -> [Outcome] {
    var outcomes: [Outcome] = []
    for _ in 0..<FaultOptions.runs {
        let trial = try await Trial(at: place())
        var before: Int64 = 0
        let records = try await trial.run(seconds: seconds) {
            before = MonotonicTime.now.nanoseconds
            try await fault(trial)
        }
        let checker = Checker(records)
        try checker.checkAll()
        outcomes.append(
            Outcome(checker: checker, changes: checker.roleChanges(since: before), bothRun: trial.bothRun))
    }
    report(name, outcomes)
    #expect(outcomes.allSatisfy { $0.checker.failures == 0 }, "requests failed")
    return outcomes
}

/// Prints the figures of a fault. The gaps have the time between the starts of two requests in them, which is the least that
/// they can be; the slowest request has not.
func report(_ name: String, _ outcomes: [Outcome]) {
    func text(_ nanoseconds: Int64) -> String { String(format: "%.1f", nanoseconds.milliseconds) }
    func figures(_ values: [Int64]) -> String {
        let sorted = values.sorted()
        guard let last = sorted.last else { return "none" }
        return "p50 \(text(sorted[sorted.count / 2])) ms, max \(text(last)) ms"
    }
    let takeovers = outcomes.compactMap(\.checker.gapOfTheTakeover)
    var line = "\(name): \(outcomes.count) runs; "
    if !takeovers.isEmpty { line += "gap from one server to the other \(figures(takeovers)); " }
    line +=
        "longest gap \(figures(outcomes.map(\.checker.longestGap))), with \(FaultOptions.period) ms of them between requests"
        + "; slowest request \(figures(outcomes.map(\.checker.longestRequest)))"
    let delays = outcomes.flatMap(\.checker.delaysOfThePeer).sorted()
    if !delays.isEmpty {
        line += "; role change seen by the peer: \(delays.count), p99 \(text(delays[(delays.count * 99 - 1) / 100])) ms"
    }
    let conflicts = outcomes.compactMap(\.conflict)
    if !conflicts.isEmpty { line += "; both active for \(figures(conflicts.map { $0.upperBound - $0.lowerBound }))" }
    let healings = outcomes.compactMap(\.healing)
    if !healings.isEmpty {
        line += "; conflict healed \(figures(healings)) after the links, \(healings.count) of \(outcomes.count) runs"
    }
    print(line)
    // What was measured is told also if a later run never ends.
    fflush(nil)
}
