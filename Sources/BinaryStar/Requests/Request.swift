public import ZeroMQ

/// A client's request that the star's role allows to be served.
public struct Request: Sendable {
    /// The way back to the client: the frames that ZeroMQ and the client put before the request itself.
    let envelope: Message

    /// What the client sent.
    public let body: Message

    /// Splits a received message.
    ///
    /// - Parameter identityFrames: how many frames in front always belong to the envelope: 1 for a ROUTER's.
    ///
    /// The envelope ends with the first empty frame, the delimiter. A client that sends none gets its reply without one.
    init(_ message: Message, identityFrames: Int) {
        let start = message.startIndex
        let end = message[(start + identityFrames)...].firstIndex(where: \.isEmpty).map { $0 + 1 }
        let bodyStart = end ?? start + identityFrames
        envelope = message.prefix(upTo: bodyStart)
        body = message.suffix(from: bodyStart)
        hasDelimiter = end != nil
    }

    /// A message that has no way back.
    init(oneWay message: Message) {
        envelope = message.prefix(upTo: message.startIndex)
        body = message
        hasDelimiter = false
    }

    let hasDelimiter: Bool

    /// The envelope, without the body's hold on the message that both are part of.
    consuming func takeEnvelope() -> Message { envelope }

    /// The text of the body's first frame, or `nil` if there is none or it is no UTF-8.
    public var text: String? { body.text }
}
