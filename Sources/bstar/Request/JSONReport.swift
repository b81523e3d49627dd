import BinaryStar
import BinaryStarCore

/// One JSON object a line. The fields' names are documented in README.md and stay.
struct JSONReport: RequestReport {
    /// Whether replies are told with what the server returned.
    var showsBodies: Bool

    mutating func tell(_ event: RequestEvent, in text: inout ReportText) {
        switch event {
        case .reply(let reply): text.addLine(object(reply).text)
        case .failure(let failure): text.addLine(object(failure).text)
        case .interruption(let interruption): text.addLine(object(interruption, isEvent: true).text)
        // Whoever reads this counts for themselves.
        case .second: break
        }
    }

    private func event(_ name: String, at instant: MonotonicTime, _ time: TimeOfDay) -> JSONObject {
        var object = JSONObject()
        object.add("event", name)
        object.add("time", time.milliseconds)
        object.add("at", instant.nanoseconds)
        return object
    }

    private func object(_ reply: ReplyRecord) -> JSONObject {
        var object = event("reply", at: reply.instant, reply.time)
        object.add("number", reply.number)
        object.add("server", reply.server.rawValue)
        object.add("term", reply.term)
        object.add("attempts", reply.attempts)
        object.add("latency_us", reply.latency.microseconds)
        object.add("delay_us", reply.delay.microseconds)
        object.add("bytes", reply.body.byteCount)
        guard showsBodies else { return object }
        let texts = reply.body.compactMap(\.text)
        if texts.count == reply.body.count {
            object.add("body", texts)
        } else {
            object.add("body_hex", reply.body.map { $0.hexadecimal })
        }
        return object
    }

    private func object(_ failure: FailureRecord) -> JSONObject {
        var object = event("failure", at: failure.instant, failure.time)
        object.add("number", failure.number)
        object.add("code", failure.code)
        object.add("message", failure.message)
        object.add("waited_us", failure.waited.microseconds)
        return object
    }

    /// - Parameter isEvent: told when it ends, else within the summary.
    private func object(_ interruption: Interruption, isEvent: Bool) -> JSONObject {
        var object = JSONObject()
        if isEvent {
            object = event(interruption.isFailover ? "failover" : "gap", at: interruption.instant, interruption.time)
        } else {
            object.add("time", interruption.time.milliseconds)
            object.add("at", interruption.instant.nanoseconds)
        }
        if interruption.isFailover {
            object.add("from", interruption.before?.rawValue)
            object.add("to", interruption.after?.rawValue)
        } else {
            object.add("server", interruption.after?.rawValue)
        }
        object.add("length_us", interruption.length.microseconds)
        object.add("term", interruption.term)
        return object
    }

    mutating func tell(_ summary: RequestSummary, in text: inout ReportText) {
        let statistics = summary.statistics
        var object = event("summary", at: summary.instant, .now)
        object.add("elapsed_s", thousandths(summary.elapsed / .seconds(1)))
        object.add("sent", statistics.sent)
        object.add("replied", statistics.replied)
        object.add("failed", statistics.failed)
        object.add("unanswered", statistics.unanswered)
        object.add("unsent", statistics.unsent)
        object.add("replies_per_s", thousandths(summary.rate))
        object.add("latency_us", distribution(statistics.latency))
        object.add("delay_us", distribution(statistics.delay))
        object.add("replies_by_server", counts(statistics.replies.map { ($0.key.rawValue, $0.value) }))
        object.add(
            "replies_by_attempts",
            counts(statistics.attempts.sorted { $0.key < $1.key }.map { (String($0.key), $0.value) }))
        object.add("failures_by_code", counts(statistics.failures.map { ($0.key, $0.value.count) }))
        object.add("term", statistics.term)
        object.add("terms", statistics.termCount)
        object.add("failovers", statistics.failovers.count)
        object.add("latest_failovers", statistics.failovers.latest.map { self.object($0, isEvent: false) })
        object.add("gaps", statistics.gaps.count)
        object.add("latest_gaps", statistics.gaps.latest.map { self.object($0, isEvent: false) })
        object.add("open_gap_us", summary.openGap?.microseconds)
        object.add("longest_silence_us", max(statistics.longestSilence, summary.openGap ?? .zero).microseconds)
        text.addLine(object.text)
    }

    /// `null` for each value without any measurement.
    private func distribution(_ histogram: LatencyHistogram) -> JSONObject {
        var object = JSONObject()
        object.add("min", histogram.min?.microseconds)
        object.add("mean", histogram.mean?.microseconds)
        object.add("p50", histogram.percentile(50)?.microseconds)
        object.add("p90", histogram.percentile(90)?.microseconds)
        object.add("p99", histogram.percentile(99)?.microseconds)
        object.add("p99_9", histogram.percentile(99.9)?.microseconds)
        object.add("max", histogram.max?.microseconds)
        return object
    }

    /// Rounded, for the reader.
    private func thousandths(_ number: Double) -> Double { (number * 1_000).rounded() / 1_000 }

    private func counts(_ values: [(String, Int)]) -> JSONObject {
        var object = JSONObject()
        for (name, count) in values.sorted(by: { $0.0.count == $1.0.count ? $0.0 < $1.0 : $0.0.count < $1.0.count }) {
            object.add(named: name, count)
        }
        return object
    }
}

extension Duration {
    /// Whole microseconds.
    var microseconds: Int64 { wholeNanoseconds / 1_000 }
}

extension Frame {
    /// Two digits a byte.
    fileprivate var hexadecimal: String {
        var text = ""
        for byte in bytes {
            if byte < 16 { text += "0" }
            text += String(byte, radix: 16)
        }
        return text
    }
}
