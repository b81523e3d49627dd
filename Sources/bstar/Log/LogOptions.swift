import ArgumentParser
import Logging

struct LogOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "What to log to standard error: trace (every event, role and outcome), debug, info, warning or error.",
            valueName: "level"))
    var logLevel = Logger.Level.warning

    @Option(
        help: ArgumentHelp(
            """
            How: text, for people, with the priorities of the journal if it is what reads standard error; or json, one object a \
            line.
            """, valueName: "format"))
    var logFormat = LogFormat.text

    func makeLogger(label: String) -> Logger {
        let line = LogLine(format: logFormat, isForJournal: Console.isReadByJournal)
        return Logger(label: label) { LineLogHandler(label: $0, level: logLevel, line: line) }
    }
}

enum LogFormat: String, ExpressibleByArgument, CaseIterable {
    case text, json
}
