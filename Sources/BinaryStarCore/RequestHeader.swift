/// The frame that a client puts in front of the empty delimiter of a request, so that it can tell the replies apart.
///
/// Any ROUTER or REP server that keeps the envelope returns it unchanged. In front of it may be a ``TraceContext``. Layout,
/// integers in network byte order:
///
/// | bytes | what |
/// |---|---|
/// | 0–3 | magic `BSTR` |
/// | 4 | version, 1 |
/// | 5 | kind, 1: request |
/// | 6–13 | the client's incarnation, random at its start |
/// | 14–19 | the request's number, from 1 |
/// | 20–27 | the highest term that the client has seen; 0 for none |
/// | 28 | the attempt, from 1, which comes back with the answer; starts again behind 255 |
/// | 29–31 | how long the client goes on waiting, in milliseconds; `FFFFFF` for longer than that can tell |
/// | 32 | flags; 1: the request must not be sent twice |
///
/// The length is what libzmq keeps within its own header of a frame: one byte more would cost an allocation at each hop.
package struct RequestHeader: Sendable, Hashable {
    package struct Flags: OptionSet, Sendable, Hashable {
        package let rawValue: UInt8
        package init(rawValue: UInt8) { self.rawValue = rawValue }

        /// The client will not send it again once it may have been received.
        package static let once = Flags(rawValue: 1)
    }

    /// Which client, in which life.
    package var incarnation: UInt64
    /// Which of its requests. A retry keeps the number. At most ``maximumNumber``.
    package var number: UInt64
    /// The highest term that the client has seen in a reply, a refusal or a notice.
    package var term: UInt64
    /// Which of the sendings of this request, so that the client can tell an answer to an earlier one.
    package var attempt: UInt8
    /// How long the client goes on waiting from the instant of sending, in milliseconds: relative, so that it takes no clock that
    /// both share. `nil` if that is longer than the header can tell.
    package var millisecondsLeft: UInt32?
    package var flags: Flags

    package static let length = 33
    package static let maximumNumber: UInt64 = 1 << 48 - 1
    /// The longest time left that the header can tell, in milliseconds: more than four hours.
    package static let maximumMillisecondsLeft: UInt32 = 1 << 24 - 2

    private static let noLimit: UInt32 = 1 << 24 - 1
    private static let kind: UInt8 = 1

    package init(
        incarnation: UInt64,
        number: UInt64,
        term: UInt64 = 0,
        attempt: UInt8 = 1,
        millisecondsLeft: UInt32? = nil,
        flags: Flags = Flags(rawValue: 0)
    ) {
        self.incarnation = incarnation
        self.number = number
        self.term = term
        self.attempt = attempt
        self.millisecondsLeft = millisecondsLeft
        self.flags = flags
    }

    package var encoded: [UInt8] {
        [UInt8](unsafeUninitializedCapacity: Self.length) { buffer, count in
            encode(into: UnsafeMutableRawBufferPointer(buffer))
            count = Self.length
        }
    }

    /// Writes the header to memory of ``length`` bytes.
    package func encode(into bytes: UnsafeMutableRawBufferPointer) {
        precondition(bytes.count >= Self.length && number <= Self.maximumNumber, "no room for a header")
        HeaderPrefix(kind: Self.kind, incarnation: incarnation, number: number, term: term, attempt: attempt)
            .encode(into: bytes)
        let left = millisecondsLeft.map { min($0, Self.maximumMillisecondsLeft) } ?? Self.noLimit
        bytes.store(bigEndian: UInt64(left), count: 3, at: 29)
        bytes[32] = flags.rawValue
    }

    /// Reads a header, or returns `nil` if the bytes are none of this version.
    package init?(_ bytes: Span<UInt8>) {
        guard bytes.count == Self.length, let prefix = HeaderPrefix(bytes), prefix.kind == Self.kind else { return nil }
        let left = UInt32(bytes.bigEndian(at: 29, count: 3))
        self.init(
            incarnation: prefix.incarnation, number: prefix.number, term: prefix.term, attempt: prefix.attempt,
            millisecondsLeft: left == Self.noLimit ? nil : left, flags: Flags(rawValue: bytes[32]))
    }
}

/// What every kind of header begins with.
struct HeaderPrefix {
    var kind: UInt8
    var incarnation: UInt64
    var number: UInt64
    var term: UInt64
    var attempt: UInt8

    /// The bytes that it takes.
    static let length = 29

    /// `BSTR` and the version.
    private static let magic: UInt64 = 0x42_53_54_52_01

    init(kind: UInt8, incarnation: UInt64, number: UInt64, term: UInt64, attempt: UInt8) {
        self.kind = kind
        self.incarnation = incarnation
        self.number = number
        self.term = term
        self.attempt = attempt
    }

    func encode(into bytes: UnsafeMutableRawBufferPointer) {
        bytes.store(bigEndian: Self.magic, count: 5, at: 0)
        bytes[5] = kind
        bytes.store(bigEndian: incarnation, count: 8, at: 6)
        bytes.store(bigEndian: number, count: 6, at: 14)
        bytes.store(bigEndian: term, count: 8, at: 20)
        bytes[28] = attempt
    }

    /// `nil` if the bytes do not begin like a header of this version. There must be ``length`` of them.
    init?(_ bytes: Span<UInt8>) {
        guard bytes.bigEndian(at: 0, count: 5) == Self.magic else { return nil }
        kind = bytes[5]
        incarnation = bytes.bigEndian(at: 6)
        number = bytes.bigEndian(at: 14, count: 6)
        term = bytes.bigEndian(at: 20)
        attempt = bytes[28]
        guard term <= Term.maximum else { return nil }
    }
}
