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

    /// What a client of ours puts before the delimiter, or `nil` in a request of another one.
    let header: RequestHeader?
    /// Whether a frame in front of the header has the context of the client's span.
    let hasTrace: Bool
    /// When the client gives up; the last instant of all if it does not say.
    let deadline: MonotonicTime

    /// - Parameters:
    ///   - message: what was received.
    ///   - identityFrames: how many frames in front always belong to the envelope: 1 for a ROUTER's.
    ///   - now: when it was received.
    ///
    /// The envelope ends with the first empty frame, the delimiter. A client that sends none gets its reply without one.
    init(_ message: consuming Message, identityFrames: Int, at now: MonotonicTime) {
        envelope = message.envelope(identityFrames: identityFrames)
        // The usual request of another client ends here.
        if envelope.hasDelimiter, envelope.count >= identityFrames + 2,
            let header = message.withSpan(ofFrame: envelope.count - 2, { RequestHeader($0) })
        {
            self.header = header
            let before = envelope.count - 3
            hasTrace = before >= identityFrames && message.withSpan(ofFrame: before) { TraceContext.isContext($0) }
            deadline =
                header.millisecondsLeft.map { MonotonicTime(nanoseconds: now.nanoseconds + Int64($0) * 1_000_000) }
                ?? .distantFuture
        } else {
            header = nil
            hasTrace = false
            deadline = .distantFuture
        }
        self.message = message
    }

    /// A message that has no way back.
    init(oneWay message: consuming Message) {
        envelope = Message.Envelope(count: 0, hasDelimiter: false, cost: 0)
        header = nil
        hasTrace = false
        deadline = .distantFuture
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
    /// Which request of which client this is: the same if it is sent again, to this server or the other one. `nil` from a client
    /// that is not a ``BinaryStarClient``.
    public var id: RequestID? { header.map { RequestID(client: $0.incarnation, number: $0.number) } }

    /// How long the client goes on waiting, or `nil` if it does not say. Zero if the time is over.
    ///
    /// The client says how long it waits from the instant of sending, and the time runs from the instant at which this server
    /// reads the request: two machines share no clock. What passes between the two is not counted, so that the client may
    /// have given up earlier, and never later, than this says. That is the time in the network, and the time in the
    /// server's own socket, which is not read while ``VoterLimits/concurrency`` handlers run.
    public var timeLeft: Duration? {
        deadline == .distantFuture ? nil : max(.zero, deadline - .now)
    }

    /// Whether the client will not send this request again once it may have been received (``BinaryStarClient/Delivery/once``):
    /// if this server takes it and does not reply, nobody asks again. False for a client that is not a
    /// ``BinaryStarClient``.
    public var isOnce: Bool { header?.flags.contains(.once) ?? false }

    /// The envelope with this header in the place of the client's.
    func envelope(with header: ReplyHeader) -> Message {
        message.copy(of: envelope.count, header: header, at: headerIndex)
    }

    /// Where a client of ours has its header.
    var headerIndex: Int { envelope.count - 2 }

    /// How many frames in front lead to the client, whatever it asks.
    var pathLength: Int { headerIndex - (hasTrace ? 1 : 0) }

    /// The context of the client's span, if it sent one that can be read.
    var trace: TraceContext? {
        hasTrace ? message.withSpan(ofFrame: headerIndex - 1) { TraceContext($0) } : nil
    }
}

extension Message {
    /// A copy of the first `count` frames with `header` in the place of the one at `index`.
    func copy(of count: Int, header: ReplyHeader, at index: Int) -> Message {
        var frames = self[..<count].map(\.bytes)
        frames[index] = header.encoded
        return Message(frames: frames)
    }
}
