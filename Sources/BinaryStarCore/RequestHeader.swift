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
/// | 22–29 | the highest term that the client has seen; 0 for none |
package struct RequestHeader: Sendable, Hashable {
    /// Which client, in which life.
    package var incarnation: UInt64
    /// Which of its requests. A retry keeps the number.
    package var number: UInt64
    /// The highest term that the client has seen in a reply or a refusal.
    package var term: UInt64

    package static let length = 30

    /// Magic, version and kind.
    private static let prefix = Array("BSTR".utf8) + [1, kind]
    private static let kind: UInt8 = 1

    package init(incarnation: UInt64, number: UInt64, term: UInt64 = 0) {
        self.incarnation = incarnation
        self.number = number
        self.term = term
    }

    package var encoded: [UInt8] {
        var bytes = Self.prefix
        bytes.reserveCapacity(Self.length)
        for value in [incarnation, number, term] { bytes.append(bigEndian: value) }
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
        incarnation = bytes.bigEndian(at: 6)
        number = bytes.bigEndian(at: 14)
        term = bytes.bigEndian(at: 22)
        guard term <= Term.maximum else { return nil }
    }
}
