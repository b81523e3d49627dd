import BinaryStar
import BinaryStarCore

extension Cause {
    /// For people.
    var explanation: String {
        switch self {
        case .peer(let role): "the peer says it is \(role)"
        case .clientRequest: "a client asked"
        case .clientRequestAfterPeerDeath: "a client asked, and the peer's process is gone"
        case .automaticVote: "an automatic vote"
        case .automaticVoteAfterPeerDeath: "an automatic vote, and the peer's process is gone"
        case .superseded: "the peer is active in a higher term"
        case .dualPassive: "both servers were passive"
        case .stepDown: "it hands over"
        case .handoverFailed: "the peer did not take over"
        case .promote: "an operator said so"
        case .higherTerm: "the peer knows a higher term"
        }
    }
}

extension Duration {
    /// A time that may be long: `12 s`, `3 min 12 s`, `2 h 5 min`, `4 d 3 h`.
    var long: String {
        let seconds = Int(self / .seconds(1))
        switch seconds {
        case ..<10: return short
        case ..<60: return "\(seconds) s"
        case ..<3_600: return "\(seconds / 60) min \(seconds % 60) s"
        case ..<86_400: return "\(seconds / 3_600) h \(seconds / 60 % 60) min"
        default: return "\(seconds / 86_400) d \(seconds / 3_600 % 24) h"
        }
    }
}

extension Int {
    /// With a comma before each three digits: `1,234,567`.
    var grouped: String {
        var digits = String(magnitude)
        var groups: [String] = []
        while digits.count > 3 {
            groups.insert(String(digits.suffix(3)), at: 0)
            digits.removeLast(3)
        }
        return (self < 0 ? "-" : "") + ([digits] + groups).joined(separator: ",")
    }
}

extension String {
    /// The text with spaces behind it, at least as long as `width`.
    func padded(to width: Int) -> String { self + String(repeating: " ", count: Swift.max(0, width - count)) }

    /// The text in lines of at most `width` characters, broken between words where that is possible.
    func wrapped(to width: Int) -> [String] {
        var lines: [String] = []
        var line = ""
        for word in split(separator: " ") {
            var word = word
            if !line.isEmpty, line.count + 1 + word.count > width {
                lines.append(line)
                line = ""
            }
            while word.count > width {
                lines.append(String(word.prefix(width)))
                word = word.dropFirst(width)
            }
            line += line.isEmpty ? "\(word)" : " \(word)"
        }
        return lines + [line]
    }

    /// What another server says, without what would move the cursor or change colours.
    var printable: String {
        String(String.UnicodeScalarView(unicodeScalars.map { $0.value < 32 || $0.value == 127 ? "?" : $0 }))
    }
}
