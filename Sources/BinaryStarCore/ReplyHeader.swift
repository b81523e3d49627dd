/// What a server of ours puts in the place of the ``RequestHeader`` when it answers.
///
/// A server that knows nothing of the header returns it unchanged, which tells the client that the server is classic. Layout,
/// integers in network byte order:
///
/// | bytes | what |
/// |---|---|
/// | 0–3 | magic `BSTR` |
/// | 4 | version, 1 |
/// | 5 | kind, 2: reply, 3: refusal |
/// | 6–13, 14–21 | the client's incarnation and the request's number |
/// | 22–29 | the highest term that the server knows; its own in a reply |
/// | 30 | the server's role, 1–4 |
package struct ReplyHeader: Sendable, Hashable {
    package enum Kind: UInt8, Sendable, Hashable {
        /// The handler's reply follows.
        case reply = 2
        /// The server's role does not allow it to serve; the other one may.
        case refusal = 3
    }

    package var kind: Kind
    /// Which request; the term that the client had seen does not come back.
    package var request: RequestHeader
    package var term: UInt64
    package var role: Role

    package static let length = 31

    package init(_ kind: Kind, to request: RequestHeader, term: UInt64, role: Role) {
        self.kind = kind
        self.request = request
        self.term = term
        self.role = role
    }

    package var encoded: [UInt8] {
        var header = request
        header.term = term
        var bytes = header.encoded
        bytes[5] = kind.rawValue
        bytes.append(role.rawValue)
        return bytes
    }

    /// Reads a header, or returns `nil` if the bytes are none of this version.
    package init?(_ bytes: Span<UInt8>) {
        guard bytes.count == Self.length, let kind = Kind(rawValue: bytes[5]), let role = Role(rawValue: bytes[30]),
            let header = RequestHeader(prefixOf: bytes, kind: kind.rawValue)
        else { return nil }
        self.init(
            kind, to: RequestHeader(incarnation: header.incarnation, number: header.number), term: header.term,
            role: role)
    }
}
