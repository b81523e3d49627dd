import BinaryStarCore
public import ZeroMQ

/// A client's request that the star's role allows to be served.
public struct Request: Sendable {
    /// The request as it was received: the envelope, which leads back to the client, and the body.
    var message: Message
    /// What leads back to the client. The body is behind it.
    let envelope: Message.Envelope

    /// The term in which the star admitted the request. It grows with every activation of the pair: a store that refuses
    /// writes of a lower term than it has seen is safe from a server that was superseded while it worked.
    public internal(set) var term: UInt64 = 0

    /// - Parameters:
    ///   - message: what was received.
    ///   - identityFrames: how many frames in front always belong to the envelope: 1 for a ROUTER's.
    ///
    /// The envelope ends with the first empty frame, the delimiter. A client that sends none gets its reply without one.
    init(_ message: consuming Message, identityFrames: Int) {
        envelope = message.envelope(identityFrames: identityFrames)
        self.message = message
    }

    /// A message that has no way back.
    init(oneWay message: consuming Message) {
        envelope = Message.Envelope(count: 0, hasDelimiter: false, cost: 0)
        self.message = message
    }

    /// Larger than what any client and any chain of proxies makes, in bytes.
    static let largestEnvelope = 4_096

    /// What the client sent.
    public var body: Message { message.rest(from: envelope.count) }

    /// The text of the body's first frame, or `nil` if there is none or it is no UTF-8.
    public var text: String? { body.text }
}

extension Request {
    /// The header that a client of ours puts before the delimiter, or `nil` in a request of another one.
    ///
    /// - Parameter identityFrames: how many frames in front are the socket's own.
    func header(identityFrames: Int) -> RequestHeader? {
        // The usual request of another client ends here.
        guard envelope.hasDelimiter, envelope.count >= identityFrames + 2 else { return nil }
        return message[envelope.count - 2].withSpan { RequestHeader($0) }
    }

    /// The envelope with this header in the place of the client's.
    func envelope(with header: ReplyHeader) -> Message {
        var frames = message[..<(envelope.count - 2)].map(\.bytes)
        frames.append(header.encoded)
        frames.append([])
        return Message(frames: frames)
    }
}
