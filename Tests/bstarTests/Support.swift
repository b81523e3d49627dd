import BinaryStar
import BinaryStarCore

@testable import bstar

/// An instant of the tests' own clock.
func at(_ milliseconds: Int) -> MonotonicTime { MonotonicTime(nanoseconds: Int64(milliseconds) * 1_000_000) }

let noon = TimeOfDay(milliseconds: 43_200_000)

func reply(
    _ number: Int = 1,
    from server: Seat = .primary,
    at milliseconds: Int,
    due: Int? = nil,
    term: UInt64? = nil,
    attempts: Int = 1,
    body: Message = "hello"
) -> ReplyRecord {
    ReplyRecord(
        number: number, server: server, term: term, attempts: attempts,
        latency: at(milliseconds) - at(due ?? milliseconds - 1), delay: .zero, instant: at(milliseconds), time: noon,
        body: body)
}

func failure(_ number: Int = 1, _ code: String = "timedOut", at milliseconds: Int) -> FailureRecord {
    FailureRecord(
        number: number, code: code, message: "no reply to \"\(number)\"", waited: .seconds(1),
        instant: at(milliseconds), time: noon)
}

func statistics(gap: Duration = .milliseconds(100)) -> RequestStatistics {
    RequestStatistics(start: at(0), gapThreshold: gap)
}

/// Statistics behind a reference, because expectations cannot change values.
@dynamicMemberLookup
final class Recording {
    private var statistics = bstarTests.statistics()

    func sends(dueAt due: MonotonicTime) { statistics.sends(dueAt: due) }
    func add(_ reply: ReplyRecord) -> Interruption? { statistics.add(reply) }
    func add(_ failure: FailureRecord) -> Bool { statistics.add(failure) }
    func gaveUp() { statistics.gaveUp() }
    func nextSecond(at now: MonotonicTime) -> SecondRecord { statistics.nextSecond(at: now) }
    func openGap(at now: MonotonicTime) -> Duration? { statistics.openGap(at: now) }

    subscript<Value>(dynamicMember path: KeyPath<RequestStatistics, Value>) -> Value { statistics[keyPath: path] }
}
