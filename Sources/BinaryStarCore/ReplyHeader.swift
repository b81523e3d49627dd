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
        var bytes = request.encoded
        bytes.reserveCapacity(Self.length)
        bytes[5] = kind.rawValue
        for shift in stride(from: 56, through: 0, by: -8) { bytes.append(UInt8(truncatingIfNeeded: term >> shift)) }
        bytes.append(role.rawValue)
        return bytes
    }

    /// Reads a header, or returns `nil` if the bytes are none of this version.
    package init?(_ bytes: Span<UInt8>) {
        guard bytes.count == Self.length, let kind = Kind(rawValue: bytes[5]), let role = Role(rawValue: bytes[30]),
            let request = RequestHeader(prefixOf: bytes, kind: kind.rawValue)
        else { return nil }
        let term = (22..<30).reduce(UInt64(0)) { $0 << 8 | UInt64(bytes[$1]) }
        guard term <= Term.maximum else { return nil }
        self.init(kind, to: request, term: term, role: role)
    }
}
