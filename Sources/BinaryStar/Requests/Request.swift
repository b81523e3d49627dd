public import ZeroMQ

/// A client's request that the star's role allows to be served.
public struct Request: Sendable {
    /// The request as it was received: the envelope, which leads back to the client, and the body.
    var message: Message
    /// What leads back to the client. The body is behind it.
    let envelope: Message.Envelope

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
