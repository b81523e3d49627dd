import BinaryStar

/// Lines for people: each request, or a line a second, and each interruption.
struct HumanReport: RequestReport {
    /// What is shown of requests. With the bodies alone, these are for the next program, and standard output has nothing else.
    var detail: RequestPlan.Output
    /// Whether all but the bodies goes to standard error.
    var talksOnError: Bool
    /// Whether latencies are those of an open loop.
    var isOpenLoop: Bool

    mutating func tell(_ event: RequestEvent, in text: inout ReportText) {
        switch event {
        case .reply(let reply):
            switch detail {
            case .each: add("\(reply.time.text)  \(line(reply))", to: &text)
            case .bodies: addBody(reply.body, to: &text)
            case .seconds, .json, .nothing: break
            }
        case .failure(let failure):
            // A line for each line, so that the two can be put side by side.
            if detail == .bodies { text.addLine("") }
            let time = failure.time.text
            let line = "failed after \(failure.waited.short): \(failure.message)"
            switch detail {
            case .each, .bodies: add("\(time)  \(failure.number)  \(line)", to: &text)
            case .seconds: add("\(time)  the first request of this kind \(line)", to: &text)
            case .json, .nothing: break
            }
        case .interruption(let interruption):
            add("\(interruption.time.text)  \(line(interruption))", to: &text)
        case .second(let second):
            if detail == .seconds {
                add("\(TimeOfDay.now.text.dropLast(4))  \(line(second))", to: &text)
            }
        }
    }

    private func add(_ line: String, to text: inout ReportText) {
        if talksOnError { text.addErrorLine(line) } else { text.addLine(line) }
    }

    private func addBody(_ body: Message, to text: inout ReportText) {
        for (index, frame) in body.enumerated() {
            if index > 0 { text.output.append(UInt8(ascii: "\t")) }
            text.output += frame.bytes
        }
        text.output.append(UInt8(ascii: "\n"))
    }

    private func line(_ reply: ReplyRecord) -> String {
        let body = reply.body.count == 1 ? reply.body[0].description : reply.body.description
        let attempts = reply.attempts > 1 ? "  (\(reply.attempts) attempts)" : ""
        return "\(reply.number)  \(reply.server)  \(reply.latency.short)  \(body)\(attempts)"
    }

    private func line(_ interruption: Interruption) -> String {
        let length = "\(interruption.length.short) without a reply"
        guard let before = interruption.before, let after = interruption.after else {
            return "gap: \(length), then from the \(interruption.after.map { "\($0)" } ?? "server")"
        }
        if before != after { return "failover from \(before) to \(after): \(length)" }
        return "gap: \(length), then from the \(after) again"
    }

    private func line(_ second: SecondRecord) -> String {
        let seconds = second.length / .seconds(1)
        let rate = seconds > 0 ? Int((Double(second.replied) / seconds).rounded()) : 0
        var parts = ["\(rate) replies/s".padded(to: 15)]
        if let median = second.median, let percentile99 = second.percentile99, let slowest = second.slowest {
            parts += [
                "p50 \(median.short)".padded(to: 12), "p99 \(percentile99.short)".padded(to: 12),
                "max \(slowest.short)".padded(to: 12),
            ]
        } else if let silence = second.silence {
            parts.append("NO REPLY for \(silence.short)".padded(to: 40))
        }
        parts.append("\(second.failed) failed")
        if second.waiting > 0 { parts.append("\(second.waiting) waiting") }
        if second.replied > 0, let server = second.server { parts.append("from the \(server)") }
        return parts.joined(separator: "  ")
    }

    // MARK: The summary

    mutating func tell(_ summary: RequestSummary, in text: inout ReportText) {
        for line in lines(summary) { add(line, to: &text) }
    }

    private func lines(_ summary: RequestSummary) -> [String] {
        let statistics = summary.statistics
        var first = "\(statistics.replied) replies, \(statistics.failed) failed"
        if statistics.unsent > 0 { first += ", \(statistics.unsent) due but never sent for want of room" }
        if statistics.unanswered > 0 { first += ", \(statistics.unanswered) still waited for a reply" }
        first += "; \(summary.elapsed.short), \(summary.rate.rounded(to: 1)) replies a second"
        var lines = [first]
        if statistics.latency.count > 0 {
            lines.append(row(isOpenLoop ? "from due to reply" : "round trip", distribution(statistics.latency)))
            if isOpenLoop { lines.append(row("sent late by", distribution(statistics.delay))) }
            let servers = statistics.replies.sorted { $0.key.rawValue > $1.key.rawValue }
            lines.append(row("replies from", servers.map { "\($0.key) \($0.value)" }.joined(separator: ", ")))
            let attempts = statistics.attempts.sorted { $0.key < $1.key }
            lines.append(row("attempts", attempts.map { "\($0.key): \($0.value)" }.joined(separator: ", ")))
        }
        if let term = statistics.term {
            lines.append(
                row("term", "\(term)" + (statistics.termCount > 1 ? ", the highest of \(statistics.termCount)" : "")))
        }
        for (code, failures) in statistics.failures.sorted(by: { $0.key < $1.key }) {
            lines.append(row("failed: \(code)", "\(failures.count), the latest: \(failures.message)"))
        }
        lines += interruptions(summary)
        return lines
    }

    private func interruptions(_ summary: RequestSummary) -> [String] {
        let statistics = summary.statistics
        var lines = list("failovers", statistics.failovers) { "from \(name($0.before)) to \(name($0.after))" }
        lines += list("gaps", statistics.gaps) {
            $0.before == nil ? "at the start" : "then from the \(name($0.after)) again"
        }
        if let gap = summary.openGap { lines.append(row("at the end", "no reply for \(gap.short)")) }
        if lines.isEmpty, statistics.replied > 0 {
            lines.append(row("longest silence", statistics.longestSilence.short))
        }
        return lines
    }

    private func name(_ seat: Seat?) -> String { seat?.rawValue ?? "nobody" }

    /// How many interruptions are listed.
    private static let listed = 20

    private func list(
        _ name: String,
        _ interruptions: RequestStatistics.Interruptions,
        _ text: (Interruption) -> String
    ) -> [String] {
        guard interruptions.count > 0 else { return [] }
        let latest = interruptions.latest.suffix(Self.listed)
        let more = interruptions.count > latest.count ? ", of which the latest \(latest.count):" : ""
        return [row(name, "\(interruptions.count)\(more)")]
            + latest.map {
                row("", "\($0.time.text)  \($0.length.short.padded(to: 8))  \(text($0))")
            }
    }

    private func distribution(_ histogram: LatencyHistogram) -> String {
        let percentiles = RequestSummary.percentiles.map {
            "\($0.name) \(histogram.percentile($0.percent)?.short ?? "-")"
        }
        return (percentiles + ["max \(histogram.max?.short ?? "-")"]).joined(separator: "   ")
    }

    private func row(_ name: String, _ value: String) -> String { "  \(name.padded(to: 17))  \(value)" }
}
