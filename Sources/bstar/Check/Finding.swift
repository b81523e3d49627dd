import BinaryStar

/// One thing that was looked at, and what came of it.
struct Finding: Sendable, Hashable, Encodable {
    enum Level: String, Sendable, Hashable, Encodable {
        case ok, warning, failure
    }

    var level: Level
    /// What was looked at, in a word or two.
    var topic: String
    /// What was seen.
    var text: String
    /// What to do about it.
    var advice: String?

    static func ok(_ topic: String, _ text: String) -> Finding { Finding(level: .ok, topic: topic, text: text) }

    static func warning(_ topic: String, _ text: String, _ advice: String?) -> Finding {
        Finding(level: .warning, topic: topic, text: text, advice: advice)
    }

    static func failure(_ topic: String, _ text: String, _ advice: String?) -> Finding {
        Finding(level: .failure, topic: topic, text: text, advice: advice)
    }

    /// For people, at most `width` characters a line.
    func lines(width: Int) -> [String] {
        let mark =
            switch level {
            case .ok: "ok"
            case .warning: "warn"
            case .failure: "FAIL"
            }
        let indent = 6 + 12
        var lines = text.wrapped(to: width - indent)
        if let advice {
            lines += advice.wrapped(to: width - indent - 3).enumerated().map {
                ($0.offset == 0 ? "=> " : "   ") + $0.element
            }
        }
        return lines.enumerated().map { index, line in
            index == 0 ? mark.padded(to: 6) + topic.padded(to: 12) + line : String(repeating: " ", count: indent) + line
        }
    }
}
