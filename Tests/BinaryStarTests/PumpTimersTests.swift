import BinaryStarCore
import TestSupport
import Testing

@testable import BinaryStar

@Suite struct PumpTimersTests {
    private final class Log {
        var fired: [Int] = []
    }

    private func instant(_ nanoseconds: Int64) -> MonotonicTime { MonotonicTime(nanoseconds: nanoseconds) }

    @Test(
        "Any course of changes fires what a plain list of deadlines would, and knows the earliest of all",
        arguments: 0..<20)
    func likeAPlainList(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let timers = PumpTimers()
        let log = Log()
        let all = (0..<50).map { number in PumpTimer { _ in log.fired.append(number) } }
        var deadlines = [Int64?](repeating: nil, count: all.count)
        var isIn = [Bool](repeating: false, count: all.count)
        var now: Int64 = 0
        for _ in 0..<5_000 {
            let number = Int.random(in: 0..<all.count, using: &random)
            switch Int.random(in: 0..<10, using: &random) {
            case 0:
                timers.remove(all[number])
                (isIn[number], deadlines[number]) = (false, nil)
            case 1 where !isIn[number]:
                timers.insert(all[number])
                isIn[number] = true
            case 2:
                all[number].deadline = nil
                deadlines[number] = nil
            case 3:
                now += Int64.random(in: 0...20, using: &random)
                log.fired = []
                timers.fire(at: instant(now))
                let due = all.indices.filter { isIn[$0] && (deadlines[$0] ?? .max) <= now }
                #expect(log.fired.sorted() == due)
                for number in due { deadlines[number] = nil }
            default:
                let deadline = now + Int64.random(in: -5...40, using: &random)
                all[number].deadline = instant(deadline)
                deadlines[number] = deadline
            }
            let next = all.indices.compactMap { isIn[$0] ? deadlines[$0] : nil }.min()
            #expect(timers.next == next.map(instant))
            #expect(timers.isEmpty == !isIn.contains(true))
        }
        for timer in all { timers.remove(timer) }
        #expect(timers.next == nil)
    }

    @Test func aHandlerMayChangeTheOthers() {
        let timers = PumpTimers()
        let log = Log()
        let later = PumpTimer { _ in log.fired.append(2) }
        let removed = PumpTimer { _ in log.fired.append(3) }
        let first = PumpTimer { _ in
            log.fired.append(1)
            later.deadline = MonotonicTime(nanoseconds: 30)
            timers.remove(removed)
        }
        for (timer, deadline) in [(first, 1), (later, 2), (removed, 3)] {
            timer.deadline = instant(Int64(deadline))
            timers.insert(timer)
        }
        timers.fire(at: instant(10))
        #expect(log.fired == [1])
        #expect(timers.next == instant(30))
        timers.fire(at: instant(30))
        #expect(log.fired == [1, 2])
    }

    @Test("One that is due again at once does not keep the turn")
    func dueAgainAtOnce() {
        let timers = PumpTimers()
        let log = Log()
        var again: PumpTimer?
        let timer = PumpTimer { now in
            log.fired.append(1)
            again?.deadline = now
        }
        again = timer
        timer.deadline = instant(1)
        timers.insert(timer)
        timers.fire(at: instant(1))
        timers.fire(at: instant(2))
        #expect(log.fired == [1, 1])
        #expect(timers.next == instant(2))
        again = nil
    }
}
