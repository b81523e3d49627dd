import BinaryStar
import BinaryStarCore

/// How what happens is told: as lines for people, or as JSON.
protocol RequestReport: Sendable {
    /// What to write to standard output and to standard error for an event, with the line ends.
    mutating func tell(_ event: RequestEvent, in text: inout ReportText)
    mutating func tell(_ summary: RequestSummary, in text: inout ReportText)
}

/// What is to be written.
struct ReportText: Sendable {
    var output: [UInt8] = []
    var error: [UInt8] = []

    mutating func addLine(_ line: String) {
        output += line.utf8
        output.append(UInt8(ascii: "\n"))
    }

    mutating func addErrorLine(_ line: String) {
        error += line.utf8
        error.append(UInt8(ascii: "\n"))
    }
}

/// Writes what the ledger has to tell. It waits for whoever reads the output; nothing else does.
actor ReportWriter {
    private let ledger: Ledger
    private var report: any RequestReport

    init(_ ledger: Ledger, as report: any RequestReport) {
        self.ledger = ledger
        self.report = report
    }

    /// Writes all events that there are. Many that came at the same time cost one system call.
    func writeEvents() { write(ledger.takeEvents()) }

    /// Writes what is left, and the summary.
    func finish(_ summary: RequestSummary) {
        write(ledger.takeLastEvents()) { [self] text in report.tell(summary, in: &text) }
    }

    private func write(_ events: [RequestEvent], _ more: (inout ReportText) -> Void = { _ in }) {
        var text = ReportText()
        for event in events { report.tell(event, in: &text) }
        more(&text)
        Console.writeError(text.error)
        if !Console.writeOutput(text.output) { endQuietly() }
    }

    /// Nobody reads the output any more, so that nothing is left to do: as a signal would, but with an exit code that
    /// tells what was seen.
    private func endQuietly() -> Never {
        let hasFailed = ledger.summary(at: .now).statistics.failed > 0
        Console.end(exitCode: hasFailed ? 1 : 0)
    }
}
