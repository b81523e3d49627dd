/// What can stand in a JSON text.
package protocol JSONValue {
    func write(to text: inout String)
}

/// A JSON object on one line, its fields in the order in which they were added.
///
/// It is written as it is built, and takes no Foundation, which the library and the tool are without.
package struct JSONObject: JSONValue {
    private var fields = ""

    package init() {}

    /// Adds a field. The name must need no escaping.
    package mutating func add(_ name: StaticString, _ value: some JSONValue) {
        if !fields.isEmpty { fields += "," }
        fields += "\"\(name)\":"
        value.write(to: &fields)
    }

    /// Adds a field whose name is a value itself.
    package mutating func add(named name: String, _ value: some JSONValue) {
        if !fields.isEmpty { fields += "," }
        name.write(to: &fields)
        fields += ":"
        value.write(to: &fields)
    }

    package var text: String { "{\(fields)}" }

    /// The value of a field of a line that this type wrote: a name or a number, as it stands there.
    package static func field(_ name: String, in line: String) -> String? {
        guard let key = line.firstRange(of: "\"\(name)\":") else { return nil }
        let value = line[key.upperBound...]
        return value.first == "\""
            ? String(value.dropFirst().prefix { $0 != "\"" }) : String(value.prefix { $0 != "," && $0 != "}" })
    }

    package func write(to text: inout String) {
        text += "{"
        text += fields
        text += "}"
    }
}

extension JSONValue where Self: FixedWidthInteger {
    package func write(to text: inout String) { text += String(self) }
}

extension Int: JSONValue {}
extension Int64: JSONValue {}
extension UInt64: JSONValue {}

extension Double: JSONValue {
    /// What JSON has no number for, infinity and what is none, becomes `null`.
    package func write(to text: inout String) { text += isFinite ? String(describing: self) : "null" }
}

extension Bool: JSONValue {
    package func write(to text: inout String) { text += self ? "true" : "false" }
}

extension String: JSONValue {
    package func write(to text: inout String) {
        text += "\""
        for scalar in unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\t": text += "\\t"
            case "\r": text += "\\r"
            case "\0"..<" ", "\u{7F}":
                let code = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - code.count) + code
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }
}

extension Optional: JSONValue where Wrapped: JSONValue {
    package func write(to text: inout String) {
        if let self { self.write(to: &text) } else { text += "null" }
    }
}

extension Array: JSONValue where Element: JSONValue {
    package func write(to text: inout String) {
        text += "["
        for (index, element) in enumerated() {
            if index > 0 { text += "," }
            element.write(to: &text)
        }
        text += "]"
    }
}
