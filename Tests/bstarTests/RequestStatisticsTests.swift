import BinaryStar
import BinaryStarCore
import Testing

@testable import bstar

@Suite struct RequestStatisticsTests {
    private let statistics = Recording()

    @Test func aFailoverIsTheTimeInWhichARequestWaited() throws {
        statistics.sends(dueAt: at(0))
        #expect(statistics.add(reply(at: 2)) == nil)
        // Nothing is asked for a second: that is nobody's outage.
        statistics.sends(dueAt: at(1_000))
        let failover = try #require(statistics.add(reply(from: .backup, at: 1_030, term: 7)))
        #expect(failover.isFailover)
        #expect(failover.length == .milliseconds(30))
        #expect(failover.before == .primary && failover.after == .backup && failover.term == 7)
        #expect(statistics.failovers.latest == [failover])
        #expect(statistics.gaps.count == 0)
    }

    @Test func aFailureDoesNotEndATimeWithoutAReply() throws {
        statistics.sends(dueAt: at(0))
        _ = statistics.add(reply(at: 1))
        statistics.sends(dueAt: at(10))
        #expect(statistics.add(failure(at: 60)))
        #expect(statistics.openGap(at: at(100)) == nil)
        #expect(statistics.openGap(at: at(110)) == .milliseconds(100))
        statistics.sends(dueAt: at(120))
        let gap = try #require(statistics.add(reply(at: 130)))
        #expect(!gap.isFailover)
        #expect(gap.length == .milliseconds(120))
        #expect(statistics.openGap(at: at(1_000)) == nil)
    }

    @Test func whatStillWaitsMakesTheNextGap() throws {
        statistics.sends(dueAt: at(0))
        statistics.sends(dueAt: at(1))
        #expect(statistics.add(reply(at: 50)) == nil)
        let gap = try #require(statistics.add(reply(at: 160)))
        #expect(gap.length == .milliseconds(110))
        #expect(statistics.longestSilence == .milliseconds(110))
    }

    @Test func aRequestThatIsSentLateIsNoSilenceFromBeforeAReply() {
        statistics.sends(dueAt: at(0))
        #expect(statistics.add(reply(at: 500))?.length == .milliseconds(500))
        // Due in the outage, but there was no room for it until the reply.
        statistics.sends(dueAt: at(10))
        #expect(statistics.add(reply(at: 501, due: 10)) == nil)
        #expect(statistics.gaps.count == 1)
        #expect(statistics.latency.max ?? .zero >= .milliseconds(490))
    }

    @Test func countsByServerAttemptsTermAndCode() {
        for number in 1...6 { statistics.sends(dueAt: at(number)) }
        _ = statistics.add(reply(at: 10, term: 5))
        _ = statistics.add(reply(at: 11, term: 5, attempts: 3))
        _ = statistics.add(reply(from: .backup, at: 12, term: 8))
        #expect(statistics.add(failure(at: 13)))
        #expect(!statistics.add(failure(5, at: 14)))
        #expect(statistics.waiting == 1)
        statistics.gaveUp()
        #expect(statistics.waiting == 0)
        #expect(statistics.replies == [.primary: 2, .backup: 1])
        #expect(statistics.attempts == [1: 2, 3: 1])
        #expect(statistics.term == 8 && statistics.termCount == 2)
        #expect(statistics.failures["timedOut"]?.count == 2)
        #expect(statistics.failures["timedOut"]?.message == "no reply to \"5\"")
        #expect((statistics.sent, statistics.replied, statistics.failed, statistics.unanswered) == (6, 3, 2, 1))
    }

    @Test func aSecondHasWhatItBroughtOnly() {
        statistics.sends(dueAt: at(0))
        _ = statistics.add(reply(at: 700, due: 0))
        var second = statistics.nextSecond(at: at(1_000))
        #expect((second.sent, second.replied, second.waiting) == (1, 1, 0))
        #expect(second.silence == nil)
        #expect(second.slowest == .milliseconds(700))
        statistics.sends(dueAt: at(1_200))
        second = statistics.nextSecond(at: at(2_000))
        #expect((second.sent, second.replied, second.waiting) == (1, 0, 1))
        #expect(second.silence == .milliseconds(800))
        #expect(second.median == nil)
        #expect(second.length == .seconds(1))
    }

    @Test func keepsTheLatestInterruptionsOnly() {
        for number in 1...1_500 {
            statistics.sends(dueAt: at(number * 10))
            _ = statistics.add(reply(from: number % 2 == 0 ? .primary : .backup, at: number * 10 + 1))
        }
        #expect(statistics.failovers.count == 1_499)
        #expect(statistics.failovers.latest.count == 1_000)
        #expect(statistics.failovers.latest.last?.instant == at(15_001))
    }
}

@Suite struct LatencyHistogramTests {
    @Test func percentilesAreRightToThreeDigits() throws {
        var histogram = LatencyHistogram()
        for milliseconds in 1...1_000 { histogram.record(.milliseconds(milliseconds)) }
        for (percent, expected) in [(50.0, 500), (90, 900), (99, 990), (99.9, 999)] {
            let value = try #require(histogram.percentile(percent)) / .milliseconds(1)
            #expect(abs(value - Double(expected)) <= Double(expected) / 1_000, "\(percent)")
        }
        #expect(histogram.max == .seconds(1))
        #expect(histogram.count == 1_000)
    }

    @Test func hasNothingToSayWithoutAnyAndTakesEveryDuration() {
        var histogram = LatencyHistogram()
        #expect(
            histogram.percentile(50) == nil && histogram.min == nil && histogram.max == nil && histogram.mean == nil)
        histogram.record(.nanoseconds(-5))
        histogram.record(.seconds(86_400 * 365))
        #expect(histogram.count == 2 && histogram.min == .zero)
        histogram.reset()
        #expect(histogram.max == nil)
    }
}
