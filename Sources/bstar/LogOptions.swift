import ArgumentParser
import Logging

struct LogOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "What to log to standard error: trace (every event, role and outcome), debug, info, warning or error.",
            valueName: "level"))
    var logLevel = Logger.Level.warning

    func makeLogger(label: String) -> Logger {
        var logger = Logger(label: label, factory: StreamLogHandler.standardError(label:))
        logger.logLevel = logLevel
        return logger
    }
}
