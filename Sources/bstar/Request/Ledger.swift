import BinaryStarCore
import Synchronization

/// Where requests are entered when they are sent and when they end: keeps the statistics, and the events that are still to
/// be written, in the order in which they came, or in that of the requests.
///
/// It never waits, so that what is slow about the output delays no request and no measurement.
final class Ledger: Sendable {
    private struct State {
        var statistics: RequestStatistics
        var events: [RequestEvent] = []
        /// With ordered output: what came before its turn.
        var early: [Int: [RequestEvent]] = [:]
        var nextNumber = 1
    }

    private let state: Mutex<State>
    /// What is written of single requests.
    enum Outcomes: Sendable { case all, firstFailures, none }

    private let outcomes: Outcomes
    private let isOrdered: Bool

    /// - Parameters:
    ///   - statistics: empty.
    ///   - outcomes: what is written of single requests.
    ///   - isOrdered: whether they are written in the order of the requests.
    init(_ statistics: RequestStatistics, outcomes: Outcomes, isOrdered: Bool) {
        state = Mutex(State(statistics: statistics))
        self.outcomes = outcomes
        self.isOrdered = isOrdered
    }

    func sends(dueAt due: MonotonicTime) { state.withLock { $0.statistics.sends(dueAt: due) } }

    /// - Returns: how many outcomes are now in their turn to be written: what a request in flight stands for until then.
    func replied(_ reply: ReplyRecord) -> Int {
        state.withLock { state in
            let interruption = state.statistics.add(reply)
            // What interrupted is told at once, and before the reply that ended it.
            if let interruption { state.events.append(.interruption(interruption)) }
            return add(outcomes == .all ? [.reply(reply)] : [], reply.number, &state)
        }
    }

    /// As ``replied(_:)``.
    func failed(_ failure: FailureRecord) -> Int {
        state.withLock { state in
            let isFirst = state.statistics.add(failure)
            let isWritten = outcomes == .all || (outcomes == .firstFailures && isFirst)
            return add(isWritten ? [.failure(failure)] : [], failure.number, &state)
        }
    }

    func gaveUp() { state.withLock { $0.statistics.gaveUp() } }

    func leaves(unsent count: Int) { state.withLock { $0.statistics.leaves(unsent: count) } }

    /// A second has passed, and is to be told.
    func endSecond(at now: MonotonicTime) {
        state.withLock { $0.events.append(.second($0.statistics.nextSecond(at: now))) }
    }

    private func add(_ events: [RequestEvent], _ number: Int, _ state: inout State) -> Int {
        guard isOrdered else {
            state.events += events
            return 1
        }
        state.early[number] = events
        var count = 0
        while let events = state.early.removeValue(forKey: state.nextNumber) {
            state.events += events
            state.nextNumber += 1
            count += 1
        }
        return count
    }

    /// Takes the events that are to be written.
    func takeEvents() -> [RequestEvent] {
        state.withLock { state in
            defer { state.events = [] }
            return state.events
        }
    }

    /// Takes the rest when no more will come: also what waits for its turn behind a request that was given up.
    func takeLastEvents() -> [RequestEvent] {
        state.withLock { state in
            defer { (state.events, state.early) = ([], [:]) }
            return state.events + state.early.sorted { $0.key < $1.key }.flatMap(\.value)
        }
    }

    func summary(at now: MonotonicTime) -> RequestSummary { state.withLock { RequestSummary($0.statistics, at: now) } }
}
