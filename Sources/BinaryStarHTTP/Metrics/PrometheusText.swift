/// The parts of Prometheus' text format.
///
/// Source: Prometheus, "Exposition formats", version 0.0.4; "Data model".
enum PrometheusText {
    /// A name as it may stand there.
    static func name(_ label: String) -> String {
        var name = ""
        for scalar in label.unicodeScalars {
            switch scalar {
            case "a"..."z", "A"..."Z", "_", ":": name.unicodeScalars.append(scalar)
            case "0"..."9": name += name.isEmpty ? "_\(scalar)" : "\(scalar)"
            default: name += "_"
            }
        }
        return name.isEmpty ? "_" : name
    }

    /// `a="1",b="2"`, without braces, in the order of the names. One that occurs twice, or that a histogram needs, gets
    /// `_` behind it.
    static func labels(_ dimensions: [(String, String)]) -> String {
        var taken: Set = ["le"]
        let named = dimensions.map { (name: labelName($0.0), value: $0.1) }
        return named.sorted { $0 < $1 }.map { label in
            var name = label.name
            while !taken.insert(name).inserted { name += "_" }
            return "\(name)=\"\(escaped(label.value, withQuotes: true))\""
        }.joined(separator: ",")
    }

    /// As a metric's name, but without colons.
    private static func labelName(_ label: String) -> String {
        name(label).split(separator: ":", omittingEmptySubsequences: false).joined(separator: "_")
    }

    static func help(_ text: String) -> String { escaped(text, withQuotes: false) }

    /// A line with a value.
    static func line(_ name: String, _ labels: String, _ value: String) -> String {
        labels.isEmpty ? "\(name) \(value)\n" : "\(name){\(labels)} \(value)\n"
    }

    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        // Terms are whole numbers that people want to read.
        return value.magnitude < 1e15 && value == value.rounded() ? "\(Int64(value))" : "\(value)"
    }

    private static func escaped(_ text: String, withQuotes: Bool) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\"" where withQuotes: result += "\\\""
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
