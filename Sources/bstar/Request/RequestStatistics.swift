import BinaryStar
import BinaryStarCore

/// What became of all requests. It takes memory that does not grow with their number.
struct RequestStatistics: Sendable {
    /// A kind of failure.
    struct Failures: Sendable {
        var count = 0
        /// What the latest one said.
        var message = ""
    }

    let start: MonotonicTime
    /// From which length on a time without a reply is a gap.
    let gapThreshold: Duration

    private(set) var sent = 0
    private(set) var replied = 0
    private(set) var failed = 0
    /// Requests that were given up because the tool was stopped.
    private(set) var unanswered = 0
    /// Requests of an open loop that were due and for which there was no room until the tool was stopped.
    private(set) var unsent = 0
    private(set) var latency = LatencyHistogram()
    /// By how much requests were sent later than they were due.
    private(set) var delay = LatencyHistogram()
    private(set) var replies: [Seat: Int] = [:]
    private(set) var attempts: [Int: Int] = [:]
    private(set) var failures: [String: Failures] = [:]
    /// The highest term seen, and how many there were.
    private(set) var term: UInt64?
    private(set) var termCount = 0
    private(set) var failovers = Interruptions()
    private(set) var gaps = Interruptions()
    /// The longest time without a reply, however short.
    private(set) var longestSilence = Duration.zero
    private(set) var lastServer: Seat?

    /// Since when a request has waited without any reply to any of them.
    private var silentSince: MonotonicTime?
    private var lastReply: MonotonicTime?
    private var second = Second()

    /// The interruptions of one kind: their number, and the latest of them.
    struct Interruptions: Sendable {
        private(set) var count = 0
        private(set) var latest: [Interruption] = []
        static let capacity = 1_000

        mutating func append(_ interruption: Interruption) {
            count += 1
            if latest.count == Self.capacity { latest.removeFirst() }
            latest.append(interruption)
        }
    }

    private struct Second {
        var start: MonotonicTime?
        var sent = 0
        var replied = 0
        var failed = 0
        var latency = LatencyHistogram()
    }

    /// - Parameters:
    ///   - start: the present instant.
    ///   - gapThreshold: from which length on a time without a reply is a gap.
    init(start: MonotonicTime, gapThreshold: Duration) {
        self.start = start
        self.gapThreshold = gapThreshold
    }

    /// How many requests wait for a reply.
    var waiting: Int { sent - replied - failed - unanswered }

    /// Takes note that a request is sent.
    ///
    /// - Parameter due: when it was due: from then on it waits.
    mutating func sends(dueAt due: MonotonicTime) {
        sent += 1
        second.sent += 1
        // After a failure it goes on: no server has replied since. One that is sent late is no silence from before a reply.
        if silentSince == nil { silentSince = max(due, lastReply ?? due) }
    }

    /// Takes note of a reply, and returns the interruption that it ends.
    mutating func add(_ reply: ReplyRecord) -> Interruption? {
        replied += 1
        second.replied += 1
        latency.record(reply.latency)
        second.latency.record(reply.latency)
        delay.record(reply.delay)
        replies[reply.server, default: 0] += 1
        attempts[reply.attempts, default: 0] += 1
        if let seen = reply.term, seen > term ?? 0 {
            term = seen
            termCount += 1
        }
        return endSilence(
            Interruption(
                before: lastServer, after: reply.server, length: .zero, instant: reply.instant, time: reply.time,
                term: reply.term))
    }

    private mutating func endSilence(_ silence: Interruption) -> Interruption? {
        var interruption = silence
        interruption.length = max(.zero, silence.instant - (silentSince ?? silence.instant))
        silentSince = waiting > 0 ? silence.instant : nil
        lastServer = silence.after
        lastReply = silence.instant
        longestSilence = max(longestSilence, interruption.length)
        if interruption.isFailover {
            failovers.append(interruption)
        } else if interruption.length >= gapThreshold {
            gaps.append(interruption)
        } else {
            return nil
        }
        return interruption
    }

    /// Takes note of a request without a reply.
    ///
    /// - Returns: whether it is the first one of its kind.
    mutating func add(_ failure: FailureRecord) -> Bool {
        failed += 1
        second.failed += 1
        failures[failure.code, default: .init()].count += 1
        failures[failure.code]?.message = failure.message
        return failures[failure.code]?.count == 1
    }

    /// Takes note of a request that was given up when the tool was stopped.
    mutating func gaveUp() { unanswered += 1 }

    /// Takes note of requests that were due and could not be sent.
    mutating func leaves(unsent count: Int) { unsent += count }

    /// What happened since the last call, or since the start.
    mutating func nextSecond(at now: MonotonicTime) -> SecondRecord {
        defer {
            second.latency.reset()
            second = Second(start: now, latency: second.latency)
        }
        return SecondRecord(
            instant: now, length: now - (second.start ?? start), sent: second.sent, replied: second.replied,
            failed: second.failed, waiting: waiting,
            silence: waiting > 0 ? silentSince.map { now - $0 } : nil, server: lastServer,
            median: second.latency.percentile(50), percentile99: second.latency.percentile(99),
            slowest: second.latency.max)
    }

    /// How long the time without a reply is that has not ended, if it is long enough for a gap.
    func openGap(at now: MonotonicTime) -> Duration? {
        guard let silentSince, now - silentSince >= gapThreshold else { return nil }
        return now - silentSince
    }
}
