import Logging

/// Writes each log event as one line to standard error.
struct LineLogHandler: LogHandler {
    let label: String
    let line: LogLine
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]

    init(label: String, level: Logger.Level, line: LogLine) {
        self.label = label
        self.logLevel = level
        self.line = line
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let metadata = metadata.merging(event.metadata ?? [:]) { _, own in own }
        Console.printLog(
            line.text(level: event.level, label: label, message: "\(event.message)", metadata: metadata, at: .now))
    }
}
