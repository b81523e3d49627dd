import ArgumentParser
import BinaryStar
import BinaryStarCore

struct HistoryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history",
        abstract: "Shows every change of role with its cause and its evidence, of both servers, by term.",
        discussion: """
            The latest 1,000 of each server: since it was started, or with serve --state-directory also from before that. \
            Terms give the order; times are those of each server's own clock.

            EXIT CODES:
              0   shown
              1   no server could be asked
              64  wrong arguments
            """
    )

    @OptionGroup var servers: ControlOptions

    @Flag(help: "A line of JSON for each change, with the fields of the state directory's files.")
    var json = false

    @Option(name: .customLong("last"), help: ArgumentHelp("The latest of each server only.", valueName: "number"))
    var limit: Int?

    func validate() throws {
        if let limit, limit < 1 { throw ValidationError("--last must be at least 1") }
    }

    func run() async throws {
        Console.reportBrokenPipes()
        try await reportingErrors {
            let servers = try ControlledServers(servers)
            let answers = try await servers.ask { [limit] in try await $0.history(limit: limit) }
            await servers.close()
            let failures = answers.compactMap { answer -> ControlError? in
                if case .failure(let error) = answer.answer { error } else { nil }
            }
            for failure in failures { Console.printError("bstar: \(failure.message)") }
            guard failures.count < answers.count else { throw ExitCode.failure }
            let records = HistoryReport.merge(answers.compactMap { try? $0.answer.get() })
            let lines = json ? records.map(\.line) : HistoryReport(records: records).lines
            _ = Console.writeOutput(Array(lines.map { $0 + "\n" }.joined().utf8))
        }
    }
}

/// Changes of both servers as people read them.
struct HistoryReport {
    /// In the order of ``merge(_:)``.
    var records: [TransitionRecord]

    /// By term, and within one by time, in which the order of each server stays.
    static func merge(_ histories: [[TransitionRecord]]) -> [TransitionRecord] {
        histories.joined().enumerated()
            .sorted { ($0.element.term, $0.element.time, $0.offset) < ($1.element.term, $1.element.time, $1.offset) }
            .map(\.element)
    }

    var lines: [String] {
        guard !records.isEmpty else { return ["no server has changed its role yet"] }
        var lines: [String] = []
        var term: UInt64?
        for record in records {
            if term != record.term {
                if term != nil { lines.append("") }
                lines.append(heading(record))
                term = record.term
            }
            lines += self.lines(record)
        }
        return lines
    }

    private func heading(_ record: TransitionRecord) -> String {
        let date = TimeOfDay(milliseconds: Int64(clamping: record.time)).date
        guard record.term > 0 else { return "no term yet, \(date)" }
        return "term \(record.term), \(date)\(activated(in: record.term).map { ": the \($0) became active" } ?? "")"
    }

    private func activated(in term: UInt64) -> Seat? {
        records.first { $0.term == term && $0.to == .active }?.seat
    }

    private func lines(_ record: TransitionRecord) -> [String] {
        let time = TimeOfDay(milliseconds: Int64(clamping: record.time)).text
        let seat = record.seat.rawValue.padded(to: 7)
        let change = "\(record.from.state) → \(record.to.state)".padded(to: 17)
        let indent = String(repeating: " ", count: 44)
        let texts = record.cause.explanation.wrapped(to: 36) + evidence(record).wrapped(to: 36)
        return texts.filter { !$0.isEmpty }.enumerated().map { index, text in
            index == 0 ? "  \(time)  \(seat)  \(change)  \(text)" : "\(indent)\(text)"
        }
    }

    private func evidence(_ record: TransitionRecord) -> String {
        guard let silence = record.peerSilence else { return "peer never heard" }
        var parts = ["peer heard \(Duration.seconds(silence).long) before"]
        if let role = record.peerRole { parts.append("as \(role.state)") }
        if let term = record.peerTerm { parts.append("in term \(term)") }
        return parts.joined(separator: " ")
    }
}
