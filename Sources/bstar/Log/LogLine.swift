import BinaryStar
import BinaryStarCore
import Logging

/// What one line of the log looks like.
struct LogLine: Sendable {
    var format: LogFormat
    /// systemd's journal reads the lines: it has the time already, and takes the level from a number in front.
    var isForJournal: Bool

    func text(
        level: Logger.Level, label: String, message: String, metadata: Logger.Metadata, at time: TimeOfDay
    ) -> String {
        switch format {
        case .text: priority(level) + plain(level, message, metadata, time)
        case .json: json(level, label, message, metadata, time)
        }
    }

    /// sd-daemon(3): a line that begins with `<4>` is a warning. Without the journal it is left out.
    private func priority(_ level: Logger.Level) -> String { isForJournal ? "<\(level.priority)>" : "" }

    /// The message first, so that the lines read as a story; what of it is a number or a name is behind.
    private func plain(
        _ level: Logger.Level, _ message: String, _ metadata: Logger.Metadata, _ time: TimeOfDay
    ) -> String {
        var text = isForJournal ? "" : "\(time.date) \(time.text) \(level.rawValue.padded(to: 8))"
        text += message.printable
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) { text += "  \(key)=\(quoted("\(value)"))" }
        return text
    }

    /// What has spaces in quotation marks, so that each value's end is known.
    private func quoted(_ value: String) -> String {
        let value = value.printable
        return value.contains(" ") || value.isEmpty ? "\"\(String(value.map { $0 == "\"" ? "'" : $0 }))\"" : value
    }

    private func json(
        _ level: Logger.Level, _ label: String, _ message: String, _ metadata: Logger.Metadata, _ time: TimeOfDay
    ) -> String {
        var object = JSONObject()
        object.add("time", time.milliseconds)
        object.add("level", level.rawValue)
        // As journalctl -o json has it, so that both are filtered alike.
        object.add("priority", level.priority)
        object.add("label", label)
        object.add("message", message)
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
            object.add(named: Self.names.contains(key) ? "metadata.\(key)" : key, "\(value)")
        }
        return object.text
    }

    private static let names: Set = ["time", "level", "priority", "label", "message"]
}

extension Logger.Level {
    /// syslog's severity, 0 to 7.
    fileprivate var priority: Int {
        switch self {
        case .trace, .debug: 7
        case .info: 6
        case .notice: 5
        case .warning: 4
        case .error: 3
        case .critical: 2
        }
    }
}
