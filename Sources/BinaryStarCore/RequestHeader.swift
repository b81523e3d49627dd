/// The frame that a client puts in front of the empty delimiter of a request, so that it can tell the replies apart.
///
/// Any ROUTER or REP server that keeps the envelope returns it unchanged. Layout, integers in network byte order:
///
/// | bytes | what |
/// |---|---|
/// | 0–3 | magic `BSTR` |
/// | 4 | version, 1 |
/// | 5 | kind, 1: request |
/// | 6–13 | the client's incarnation, random at its start |
/// | 14–21 | the request's number, from 1 |
package struct RequestHeader: Sendable, Hashable {
    /// Which client, in which life.
    package var incarnation: UInt64
    /// Which of its requests. A retry keeps the number.
    package var number: UInt64

    package static let length = 22

    /// Magic, version and kind.
    private static let prefix = Array("BSTR".utf8) + [1, kind]
    private static let kind: UInt8 = 1

    package init(incarnation: UInt64, number: UInt64) {
        self.incarnation = incarnation
        self.number = number
    }

    package var encoded: [UInt8] {
        var bytes = Self.prefix
        bytes.reserveCapacity(Self.length)
        for value in [incarnation, number] {
            withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
        }
        return bytes
    }

    /// Reads a header, or returns `nil` if the bytes are none of this version.
    package init?(_ bytes: Span<UInt8>) {
        guard bytes.count == Self.length else { return nil }
        self.init(prefixOf: bytes, kind: Self.kind)
    }

    /// Reads what every kind of header begins with. There must be ``length`` bytes.
    init?(prefixOf bytes: Span<UInt8>, kind: UInt8) {
        for (index, expected) in Self.prefix.dropLast().enumerated() where bytes[index] != expected { return nil }
        guard bytes[5] == kind else { return nil }
        func integer(at offset: Int) -> UInt64 {
            (offset..<offset + 8).reduce(0) { $0 << 8 | UInt64(bytes[$1]) }
        }
        incarnation = integer(at: 6)
        number = integer(at: 14)
    }
}
