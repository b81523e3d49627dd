extension JSON {
    /// The value that the JSON stands for. Fields that the type does not know are left out.
    ///
    /// - Throws: `DecodingError` with the path to what does not fit.
    package func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try decode(type, at: []) }

    fileprivate func decode<Value: Decodable>(_ type: Value.Type, at path: [any CodingKey]) throws -> Value {
        let value: Any?
        switch type {
        case is Bool.Type: if case .bool(let flag) = self { value = flag } else { value = nil }
        case is String.Type: if case .string(let text) = self { value = text } else { value = nil }
        case is Double.Type: value = number.flatMap { Double($0) }.flatMap { $0.isFinite ? $0 : nil }
        case is Float.Type: value = number.flatMap { Float($0) }.flatMap { $0.isFinite ? $0 : nil }
        case let type as any FixedWidthInteger.Type: value = number.flatMap { integer(type, $0) }
        default: return try type.init(from: JSONTreeDecoder(json: self, codingPath: path))
        }
        guard let value = value as? Value else { throw mismatch(type, at: path) }
        return value
    }

    private func integer<Integer: FixedWidthInteger>(_ type: Integer.Type, _ digits: String) -> Integer? {
        Integer(digits)
    }

    private var number: String? {
        if case .number(let digits) = self { digits } else { nil }
    }

    fileprivate func mismatch(_ type: Any.Type, at path: [any CodingKey]) -> DecodingError {
        DecodingError.typeMismatch(
            type, .init(codingPath: path, debugDescription: "expected \(type), found \(kind)"))
    }

    /// What it is, for a message.
    private var kind: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .number(let digits): "the number \(digits.prefix(24))"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}

private struct JSONTreeDecoder: Decoder, SingleValueDecodingContainer {
    let json: JSON
    let codingPath: [any CodingKey]
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        guard case .object = json else { throw json.mismatch([String: Any].self, at: codingPath) }
        return KeyedDecodingContainer(Fields(json: json, codingPath: codingPath))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        guard case .array(let values) = json else { throw json.mismatch([Any].self, at: codingPath) }
        return Elements(values: values, codingPath: codingPath)
    }

    func singleValueContainer() -> any SingleValueDecodingContainer { self }

    func decodeNil() -> Bool { json == .null }

    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try json.decode(type, at: codingPath) }

    struct Fields<Key: CodingKey>: KeyedDecodingContainerProtocol {
        let json: JSON
        let codingPath: [any CodingKey]

        var allKeys: [Key] {
            guard case .object(let members) = json else { return [] }
            return members.compactMap { Key(stringValue: $0.name) }
        }

        func contains(_ key: Key) -> Bool { json[key.stringValue] != nil }

        func decodeNil(forKey key: Key) throws -> Bool { try value(key) == .null }

        func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
            try value(key).decode(type, at: codingPath + [key])
        }

        private func value(_ key: Key) throws -> JSON {
            if let value = json[key.stringValue] { return value }
            throw DecodingError.keyNotFound(
                key, .init(codingPath: codingPath, debugDescription: "\"\(key.stringValue)\" is missing"))
        }

        private func decoder(_ key: Key) throws -> JSONTreeDecoder {
            JSONTreeDecoder(json: try value(key), codingPath: codingPath + [key])
        }

        func nestedContainer<Nested: CodingKey>(
            keyedBy type: Nested.Type, forKey key: Key
        ) throws -> KeyedDecodingContainer<Nested> {
            try decoder(key).container(keyedBy: type)
        }

        func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
            try decoder(key).unkeyedContainer()
        }

        func superDecoder() -> any Decoder {
            JSONTreeDecoder(json: json["super"] ?? .null, codingPath: codingPath)
        }

        func superDecoder(forKey key: Key) throws -> any Decoder { try decoder(key) }
    }

    struct Elements: UnkeyedDecodingContainer {
        let values: [JSON]
        let codingPath: [any CodingKey]
        var currentIndex = 0
        var count: Int? { values.count }
        var isAtEnd: Bool { currentIndex >= values.count }

        mutating func decodeNil() throws -> Bool {
            guard !isAtEnd, values[currentIndex] == .null else { return false }
            currentIndex += 1
            return true
        }

        mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
            try next(type).json.decode(type, at: codingPath)
        }

        private mutating func next(_ type: Any.Type) throws -> JSONTreeDecoder {
            guard !isAtEnd else {
                throw DecodingError.valueNotFound(
                    type, .init(codingPath: codingPath, debugDescription: "the array ends too early"))
            }
            defer { currentIndex += 1 }
            return JSONTreeDecoder(json: values[currentIndex], codingPath: codingPath)
        }

        mutating func nestedContainer<Nested: CodingKey>(
            keyedBy type: Nested.Type
        ) throws -> KeyedDecodingContainer<Nested> {
            try next([String: Any].self).container(keyedBy: type)
        }

        mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
            try next([Any].self).unkeyedContainer()
        }

        mutating func superDecoder() throws -> any Decoder { try next((any Decoder).self) }
    }
}

extension DecodingError {
    /// Which field does not fit, and why.
    package var summary: String {
        let context: Context? =
            switch self {
            case .typeMismatch(_, let context), .valueNotFound(_, let context), .keyNotFound(_, let context),
                .dataCorrupted(let context):
                context
            @unknown default: nil
            }
        guard let context else { return "\(self)" }
        let path = context.codingPath.map(\.stringValue).joined(separator: ".")
        return path.isEmpty ? context.debugDescription : "\(path): \(context.debugDescription)"
    }
}
