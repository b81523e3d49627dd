public import ZeroMQ

/// A client's request that the star's role allows to be served.
public struct Request: Sendable {
    /// The request as it was received: the envelope, which leads back to the client, and the body.
    var message: Message
    /// Where the body begins.
    let bodyStart: Int
    /// Whether the envelope ends with an empty frame.
    let hasDelimiter: Bool

    /// - Parameters:
    ///   - message: what was received.
    ///   - identityFrames: how many frames in front always belong to the envelope: 1 for a ROUTER's.
    ///
    /// The envelope ends with the first empty frame, the delimiter. A client that sends none gets its reply without one.
    init(_ message: consuming Message, identityFrames: Int) {
        let delimiter = message.firstEmptyFrame(from: identityFrames)
        bodyStart = delimiter.map { $0 + 1 } ?? identityFrames
        hasDelimiter = delimiter != nil
        envelopeCost = message.cost(upTo: bodyStart)
        self.message = message
    }

    /// A message that has no way back.
    init(oneWay message: consuming Message) {
        bodyStart = 0
        hasDelimiter = false
        envelopeCost = 0
        self.message = message
    }

    /// About what the envelope takes in memory, in bytes.
    let envelopeCost: Int

    /// Larger than what any client and any chain of proxies makes, in bytes.
    static let largestEnvelope = 4_096

    /// What the client sent.
    public var body: Message { message.rest(from: bodyStart) }

    /// The text of the body's first frame, or `nil` if there is none or it is no UTF-8.
    public var text: String? { body.text }
}
