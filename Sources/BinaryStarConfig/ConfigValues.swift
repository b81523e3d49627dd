package import BinaryStar
package import Configuration

/// Reads values, and throws where the reader itself would take one of the wrong type for one that is not there: a timeout that is
/// written as a number must not become the default.
package struct ConfigValues {
    let config: ConfigReader

    package init(config: ConfigReader) { self.config = config }

    package func text(_ key: ConfigKey) throws(BinaryStarError) -> String? {
        if let text = config.string(forKey: key) { return text }
        guard !isThere(key) else { throw .invalid("\(key)", "no text", "it must be text, in quotation marks") }
        return nil
    }

    package func boolean(_ key: ConfigKey) throws(BinaryStarError) -> Bool? {
        if let value = config.bool(forKey: key) { return value }
        guard config.string(forKey: key) == nil, !isThere(key) else {
            throw .invalid("\(key)", "neither of them", "it must be true or false")
        }
        return nil
    }

    package func number(_ key: ConfigKey) throws(BinaryStarError) -> Int? {
        if let value = config.int(forKey: key) { return value }
        guard config.string(forKey: key) == nil, !isThere(key) else {
            throw .invalid("\(key)", "something else", "it must be a whole number, without quotation marks in a file")
        }
        return nil
    }

    package func duration(_ key: ConfigKey) throws(BinaryStarError) -> Duration? {
        guard let text = try text(key) else { return nil }
        return try duration(text, key)
    }

    func duration(_ text: String, _ key: ConfigKey, _ otherwise: String = "") throws(BinaryStarError) -> Duration {
        if let duration = Duration(text: text) { return duration }
        let rule = "it must be a number with a unit, such as 250ms, 1.5s or 2m"
        throw .invalid("\(key)", "\"\(text)\"", otherwise.isEmpty ? rule : "\(rule), \(otherwise)")
    }

    /// One of the names of a type.
    package func name<Value: RawRepresentable<String> & CaseIterable>(
        _ key: ConfigKey, _ type: Value.Type
    ) throws(BinaryStarError) -> Value? {
        guard let text = try text(key) else { return nil }
        if let value = Value(rawValue: text) { return value }
        let names = Value.allCases.map(\.rawValue).joined(separator: " or ")
        throw .invalid("\(key)", "\"\(text)\"", "it must be \(names)")
    }

    /// As one text with commas, which is what an environment has, or as an array.
    package func endpoints(_ key: ConfigKey) throws(BinaryStarError) -> [String] {
        if let text = config.string(forKey: key) {
            return text.split(separator: ",").map { String($0.drop { $0 == " " }) }
        }
        if let texts = config.stringArray(forKey: key) { return texts }
        _ = try text(key)
        return []
    }

    private func isThere(_ key: ConfigKey) -> Bool {
        config.int(forKey: key) != nil || config.double(forKey: key) != nil || config.bool(forKey: key) != nil
            || config.stringArray(forKey: key) != nil || config.intArray(forKey: key) != nil
    }
}

extension ConfigValues {
    func text(_ key: BinaryStarConfigKey) throws(BinaryStarError) -> String? { try text(key.configKey) }
    func boolean(_ key: BinaryStarConfigKey) throws(BinaryStarError) -> Bool? { try boolean(key.configKey) }
    func duration(_ key: BinaryStarConfigKey) throws(BinaryStarError) -> Duration? { try duration(key.configKey) }
    func endpoints(_ key: BinaryStarConfigKey) throws(BinaryStarError) -> [String] { try endpoints(key.configKey) }

    func duration(
        _ text: String, _ key: BinaryStarConfigKey, _ otherwise: String
    ) throws(BinaryStarError) -> Duration {
        try duration(text, key.configKey, otherwise)
    }

    func name<Value: RawRepresentable<String> & CaseIterable>(
        _ key: BinaryStarConfigKey, _ type: Value.Type
    ) throws(BinaryStarError) -> Value? {
        try name(key.configKey, type)
    }

    func missing(_ key: BinaryStarConfigKey, _ example: String) -> BinaryStarError {
        .invalid("\(key.rawValue)", "missing", "it is needed: \(example)")
    }
}

extension BinaryStarConfigKey {
    var configKey: ConfigKey { ConfigKey(stringLiteral: rawValue) }
}
