/// A JSON text as a value. Numbers keep their digits, so that an integer of 64 bits loses none.
///
/// Source: RFC 8259.
package enum JSON: Sendable, Hashable {
    case null
    case bool(Bool)
    /// As it stands in the text.
    case number(String)
    case string(String)
    case array([JSON])
    /// In the order of the text.
    case object([Member])

    package struct Member: Sendable, Hashable {
        package var name: String
        package var value: JSON

        package init(_ name: String, _ value: JSON) {
            self.name = name
            self.value = value
        }
    }

    /// The value of the first field of this name; `nil` if there is none, or this is no object.
    package subscript(_ name: String) -> JSON? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name == name }?.value
    }

    /// The text, on one line.
    package var text: String {
        var text = ""
        write(to: &text)
        return text
    }
}

extension JSON: JSONValue {
    package func write(to text: inout String) {
        switch self {
        case .null: text += "null"
        case .bool(let value): value.write(to: &text)
        case .number(let digits): text += digits
        case .string(let value): value.write(to: &text)
        case .array(let values): values.write(to: &text)
        case .object(let members):
            text += "{"
            for (index, member) in members.enumerated() {
                if index > 0 { text += "," }
                member.name.write(to: &text)
                text += ":"
                member.value.write(to: &text)
            }
            text += "}"
        }
    }
}
