/// What a server of ours puts in the place of the ``RequestHeader`` when it answers, or in front of a notice.
///
/// A server that knows nothing of the header returns it unchanged, which tells the client that the server is classic. Layout,
/// integers in network byte order:
///
/// | bytes | what |
/// |---|---|
/// | 0–3 | magic `BSTR` |
/// | 4 | version, 1 |
/// | 5 | kind, 2: reply, 3: refusal, 4: failure, 5: notice |
/// | 6–13, 14–19 | the client's incarnation and the request's number, 0 in a notice |
/// | 20–27 | the highest term that the server knows; its own in a reply and a failure |
/// | 28 | the attempt that is answered |
/// | 29 | the server's role, 1–4 |
/// | 30–32 | zero |
package struct ReplyHeader: Sendable, Hashable {
    package enum Kind: UInt8, Sendable, Hashable, CaseIterable {
        /// The handler's reply follows.
        case reply = 2
        /// The server's role does not allow it to serve; the other one may.
        case refusal = 3
        /// The handler failed. What it chose to tell follows, see ``HandlerFailure``, or nothing.
        case failure = 4
        /// Nobody asked: the server's role changed.
        case notice = 5
    }

    package var kind: Kind
    /// Which request, by incarnation, number and attempt; nothing else of it comes back.
    package var request: RequestHeader
    package var term: UInt64
    package var role: Role

    package static let length = RequestHeader.length

    package init(_ kind: Kind, to request: RequestHeader, term: UInt64, role: Role) {
        self.kind = kind
        self.request = RequestHeader(
            incarnation: request.incarnation, number: request.number, attempt: request.attempt)
        self.term = term
        self.role = role
    }

    /// A notice to a client.
    package init(noticeTo incarnation: UInt64, term: UInt64, role: Role) {
        self.init(
            .notice, to: RequestHeader(incarnation: incarnation, number: 0, attempt: 0), term: term, role: role)
    }

    package var encoded: [UInt8] {
        [UInt8](unsafeUninitializedCapacity: Self.length) { buffer, count in
            encode(into: UnsafeMutableRawBufferPointer(buffer))
            count = Self.length
        }
    }

    /// Writes the header to memory of ``length`` bytes.
    package func encode(into bytes: UnsafeMutableRawBufferPointer) {
        precondition(bytes.count >= Self.length, "no room for a header")
        HeaderPrefix(
            kind: kind.rawValue, incarnation: request.incarnation, number: request.number, term: term,
            attempt: request.attempt
        ).encode(into: bytes)
        bytes[29] = role.rawValue
        for index in 30..<Self.length { bytes[index] = 0 }
    }

    /// Reads a header, or returns `nil` if the bytes are none of this version.
    package init?(_ bytes: Span<UInt8>) {
        guard bytes.count == Self.length, let prefix = HeaderPrefix(bytes), let kind = Kind(rawValue: prefix.kind),
            let role = Role(rawValue: bytes[29]), bytes[30] == 0, bytes[31] == 0, bytes[32] == 0
        else { return nil }
        let request = RequestHeader(
            incarnation: prefix.incarnation, number: prefix.number, attempt: prefix.attempt)
        self.init(kind, to: request, term: prefix.term, role: role)
    }
}

/// What a handler chose to tell its client of why it failed, as the frame behind the delimiter of a failure.
///
/// Eight bytes with the code, in network byte order, and the text in UTF-8. What is malformed is none; the length of the
/// frame bounds what is read.
package struct HandlerFailure: Sendable, Hashable {
    package var code: Int64
    package var text: String

    /// The longest text that is sent, in bytes. A longer one is cut off.
    package static let maximumTextLength = 4_096

    package init(code: Int64, text: String) {
        self.code = code
        self.text = text
    }

    package var encoded: [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(bigEndian: UInt64(bitPattern: code))
        let utf8 = Array(text.utf8.prefix(Self.maximumTextLength + 1))
        var end = utf8.count
        if end > Self.maximumTextLength {
            end -= 1
            // Not in the middle of a character.
            while end > 0, utf8[end] & 0xC0 == 0x80 { end -= 1 }
        }
        bytes.append(contentsOf: utf8[..<end])
        return bytes
    }

    package init?(_ bytes: Span<UInt8>) {
        guard bytes.count >= 8, bytes.count <= 8 + Self.maximumTextLength else { return nil }
        code = Int64(bitPattern: bytes.bigEndian(at: 0))
        let text = bytes.withUnsafeBytes { String(validating: $0.dropFirst(8), as: UTF8.self) }
        guard let text else { return nil }
        self.text = text
    }
}
