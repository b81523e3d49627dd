// What Foundation's coders do, without Foundation: fields are named after the properties, and `nil` is left out.
extension JSON {
    /// The value as JSON.
    package init(encoding value: some Encodable) throws {
        let node = Node()
        try node.encode(value, at: [])
        self = node.json
    }
}

/// A place in the text that is yet to be filled.
private final class Node {
    private enum Content {
        case nothing
        case value(JSON)
        case object([(name: String, node: Node)])
        case array([Node])
    }

    private var content = Content.nothing

    var json: JSON {
        switch content {
        case .nothing: .object([])
        case .value(let value): value
        case .object(let fields): .object(fields.map { JSON.Member($0.name, $0.node.json) })
        case .array(let nodes): .array(nodes.map(\.json))
        }
    }

    var count: Int {
        if case .array(let nodes) = content { nodes.count } else { 0 }
    }

    func beginObject() {
        if case .nothing = content { content = .object([]) }
    }

    func beginArray() {
        if case .nothing = content { content = .array([]) }
    }

    func field(_ name: String) -> Node {
        let node = Node()
        var fields: [(name: String, node: Node)] = []
        if case .object(let before) = content { fields = before }
        content = .nothing
        fields.append((name, node))
        content = .object(fields)
        return node
    }

    func element() -> Node {
        let node = Node()
        var nodes: [Node] = []
        if case .array(let before) = content { nodes = before }
        content = .nothing
        nodes.append(node)
        content = .array(nodes)
        return node
    }

    func encodeNil() { content = .value(.null) }

    func encode(_ value: some Encodable, at path: [any CodingKey]) throws {
        switch value {
        case let value as Bool: content = .value(.bool(value))
        case let value as String: content = .value(.string(value))
        case let value as any BinaryInteger & Encodable: content = .value(.number("\(value)"))
        case let value as Double: content = .value(value.isFinite ? .number("\(value)") : .null)
        case let value as Float: content = .value(value.isFinite ? .number("\(value)") : .null)
        default: try value.encode(to: NodeEncoder(node: self, codingPath: path))
        }
    }
}

private struct NodeEncoder: Encoder, SingleValueEncodingContainer {
    let node: Node
    let codingPath: [any CodingKey]
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        node.beginObject()
        return KeyedEncodingContainer(Fields(node: node, codingPath: codingPath))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        node.beginArray()
        return Elements(node: node, codingPath: codingPath)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer { self }

    func encodeNil() { node.encodeNil() }

    func encode<Value: Encodable>(_ value: Value) throws { try node.encode(value, at: codingPath) }

    struct Fields<Key: CodingKey>: KeyedEncodingContainerProtocol {
        let node: Node
        let codingPath: [any CodingKey]

        func encodeNil(forKey key: Key) { node.field(key.stringValue).encodeNil() }

        func encode<Value: Encodable>(_ value: Value, forKey key: Key) throws {
            try node.field(key.stringValue).encode(value, at: codingPath + [key])
        }

        func nestedContainer<Nested: CodingKey>(
            keyedBy type: Nested.Type, forKey key: Key
        ) -> KeyedEncodingContainer<Nested> {
            encoder(forKey: key).container(keyedBy: type)
        }

        func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
            encoder(forKey: key).unkeyedContainer()
        }

        func superEncoder() -> any Encoder { NodeEncoder(node: node.field("super"), codingPath: codingPath) }

        func superEncoder(forKey key: Key) -> any Encoder { encoder(forKey: key) }

        private func encoder(forKey key: Key) -> NodeEncoder {
            NodeEncoder(node: node.field(key.stringValue), codingPath: codingPath + [key])
        }
    }

    struct Elements: UnkeyedEncodingContainer {
        let node: Node
        let codingPath: [any CodingKey]
        var count: Int { node.count }

        func encodeNil() { node.element().encodeNil() }

        func encode<Value: Encodable>(_ value: Value) throws { try node.element().encode(value, at: codingPath) }

        func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) -> KeyedEncodingContainer<Nested> {
            encoder.container(keyedBy: type)
        }

        func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { encoder.unkeyedContainer() }

        func superEncoder() -> any Encoder { encoder }

        private var encoder: NodeEncoder { NodeEncoder(node: node.element(), codingPath: codingPath) }
    }
}
