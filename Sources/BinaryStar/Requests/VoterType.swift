import ZeroMQ

/// The kind of socket on which clients reach a star.
public enum VoterType: Sendable, Hashable {
    /// Any number of clients, REQ or DEALER; requests are handled side by side. What most services want.
    case router
    /// As ``router``, but one request is handled at a time, in the order of arrival, and a request without an empty
    /// delimiter is dropped.
    ///
    /// libzmq's own REP socket refuses to receive until it has replied, so that one request that must not be answered
    /// would jam it. The star speaks REP over a ROUTER instead, which REQ clients cannot tell apart.
    case rep
    /// Messages from PUSH sockets. There are no replies.
    case pull
    /// Messages from PUB sockets that connect to the star, of any of these topics; the empty topic is all of them. There are
    /// no replies.
    case sub(topics: [String] = [""])
    /// Messages from DEALER, ROUTER or REP sockets that connect to the star. Replies go to the connected sockets in turn: with
    /// more than one of them, not necessarily to the one that asked.
    case dealer

    var socketType: SocketType {
        switch self {
        case .router, .rep: .router
        case .pull: .pull
        case .sub: .sub
        case .dealer: .dealer
        }
    }

    /// How many frames ZeroMQ puts before each message.
    var identityFrames: Int {
        switch self {
        case .router, .rep: 1
        case .pull, .sub, .dealer: 0
        }
    }

    var replies: Bool {
        switch self {
        case .router, .rep, .dealer: true
        case .pull, .sub: false
        }
    }

    /// Whether the order of arrival is the order of handling.
    var isSequential: Bool { self == .rep }
}

/// The limits of one voter.
public struct VoterLimits: Sendable, Hashable {
    /// How many requests are handled at a time, at most. While as many are, the voter is not read, so that further requests
    /// wait in the clients' own queues. From 1.
    public var concurrency: Int
    /// How many replies wait for one client that does not read them, at most. Further ones are dropped and counted. From 1.
    ///
    /// A client that has more requests outstanding than this may lose replies.
    public var replyQueue: Int
    /// How many bytes of replies wait for one client, at most; one reply may always wait. Further ones are dropped and
    /// counted. Replies below 1 KiB, envelope included, do not count here, but only in ``replyQueue``. From 1.
    public var replyQueueBytes: Int
    /// The longest frame that a client may send, in bytes. A longer one costs the client its connection. From 1.
    public var maximumFrameSize: Int
    /// How many frames a request may have, the envelope included. From 2. libzmq receives a message to its end before the
    /// voter sees it, and drops none for the number of its frames.
    public var maximumFrameCount: Int
    /// How many answers to requests of ``BinaryStarClient`` are remembered, so that one that is sent again to this server gets the
    /// first answer again instead of being handled twice. The oldest are forgotten first, and all of them when the server
    /// becomes active again, or goes on in a new term after a stall. 0 remembers none.
    public var rememberedAnswers: Int
    /// How many bytes the remembered answers take, at most, at 96 bytes each and the answer itself. A larger answer is not
    /// remembered.
    public var rememberedAnswerBytes: Int

    public init(
        concurrency: Int = 256,
        replyQueue: Int = 20_000,
        replyQueueBytes: Int = 64 << 20,
        maximumFrameSize: Int = 64 << 20,
        maximumFrameCount: Int = 1_024,
        rememberedAnswers: Int = 20_000,
        rememberedAnswerBytes: Int = 16 << 20
    ) {
        self.concurrency = concurrency
        self.replyQueue = replyQueue
        self.replyQueueBytes = replyQueueBytes
        self.maximumFrameSize = maximumFrameSize
        self.maximumFrameCount = maximumFrameCount
        self.rememberedAnswers = rememberedAnswers
        self.rememberedAnswerBytes = rememberedAnswerBytes
    }

    func validate() throws(BinaryStarError) {
        for (field, value, least) in [
            ("concurrency", concurrency, 1), ("replyQueue", replyQueue, 1),
            ("replyQueueBytes", replyQueueBytes, 1),
            ("maximumFrameSize", maximumFrameSize, 1), ("maximumFrameCount", maximumFrameCount, 2),
            ("rememberedAnswers", rememberedAnswers, 0), ("rememberedAnswerBytes", rememberedAnswerBytes, 0),
        ] {
            guard value >= least else { throw .invalid(field, value, "it must be at least \(least)") }
            guard value <= Int(Int32.max) else { throw .invalid(field, value, "it must be below 2³¹") }
        }
    }
}
