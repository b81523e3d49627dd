/// The context of the span of a request, as the client's tracer writes it: fields such as `traceparent`.
///
/// A client that traces puts it into a frame of its own in front of the ``RequestHeader``, whose 33 bytes stay what they
/// are. So it is a part of the envelope, which every server returns unchanged, and one that does not trace takes it for
/// the address of a proxy. Layout, integers in network byte order:
///
/// | bytes | what |
/// |---|---|
/// | 0–3 | magic `BSTC` |
/// | 4 | version, 1 |
/// | 5 | how many fields follow, from 1 |
/// | then, for each field | |
/// | 1 | length of the name, from 1 |
/// | 2 | length of the value |
/// | … | the name and the value in UTF-8 |
package struct TraceContext: Sendable, Hashable {
    /// By their names.
    package let fields: [String: String]

    /// The longest frame, in bytes.
    package static let maximumLength = 1_024

    private static let magic = Array("BSTC".utf8)
    private static let version: UInt8 = 1
    private static let fixedLength = 6

    /// Keeps what there is room for, the shortest fields first, so that a long one costs none of the others; `nil` if that
    /// is nothing.
    package init?(_ fields: [String: String]) {
        var kept: [String: String] = [:]
        var length = Self.fixedLength
        let sizes = fields.map { ($0.key, Self.length(of: $0)) }.sorted { ($0.1, $0.0) < ($1.1, $1.0) }
        for (name, size) in sizes {
            guard !name.isEmpty, name.utf8.count <= UInt8.max, kept.count < UInt8.max,
                length + size <= Self.maximumLength
            else { continue }
            kept[name] = fields[name]
            length += size
        }
        guard !kept.isEmpty else { return nil }
        self.fields = kept
    }

    private static func length(of field: (key: String, value: String)) -> Int {
        3 + field.key.utf8.count + field.value.utf8.count
    }

    package var encoded: [UInt8] {
        var bytes = Self.magic + [Self.version, UInt8(fields.count)]
        for (name, value) in fields.sorted(by: { $0.key < $1.key }) {
            bytes.append(UInt8(name.utf8.count))
            bytes.append(UInt8(value.utf8.count >> 8))
            bytes.append(UInt8(value.utf8.count & 0xFF))
            bytes += name.utf8
            bytes += value.utf8
        }
        return bytes
    }

    /// Whether the bytes are a context of ours, of whatever version, and not a proxy's address.
    package static func isContext(_ bytes: Span<UInt8>) -> Bool {
        bytes.count >= fixedLength && magic.indices.allSatisfy { bytes[$0] == magic[$0] }
    }

    /// Reads a context, or returns `nil` if the bytes are none of this version, or not to their last one.
    package init?(_ bytes: Span<UInt8>) {
        guard bytes.count <= Self.maximumLength, Self.isContext(bytes), bytes[4] == Self.version else { return nil }
        var fields: [String: String] = [:]
        var offset = Self.fixedLength
        for _ in 0..<bytes[5] {
            guard offset + 3 <= bytes.count else { return nil }
            let nameLength = Int(bytes[offset])
            let valueLength = Int(bytes[offset + 1]) << 8 | Int(bytes[offset + 2])
            let valueStart = offset + 3 + nameLength
            guard nameLength > 0, valueStart + valueLength <= bytes.count,
                let name = bytes.text(offset + 3, count: nameLength),
                let value = bytes.text(valueStart, count: valueLength), fields.updateValue(value, forKey: name) == nil
            else { return nil }
            offset = valueStart + valueLength
        }
        guard offset == bytes.count, !fields.isEmpty else { return nil }
        self.fields = fields
    }
}

extension Span<UInt8> {
    fileprivate func text(_ offset: Int, count: Int) -> String? {
        withUnsafeBytes { String(validating: $0.dropFirst(offset).prefix(count), as: UTF8.self) }
    }
}
