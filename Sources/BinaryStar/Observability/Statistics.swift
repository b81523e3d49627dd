extension BinaryStar {
    /// What the star has counted since it was created.
    public struct Statistics: Sendable, Hashable {
        /// Heartbeats published.
        public var heartbeatsSent = 0
        /// Valid heartbeats of the peer.
        public var heartbeatsReceived = 0
        /// What came over the peer link and was no heartbeat, by reason.
        public var heartbeatsRejected: [HeartbeatRejection: Int] = [:]
        /// Changes of role or term, by cause.
        public var transitions: [Cause: Int] = [:]
        /// How often this server, while active, was away for so long that it had to prove itself.
        public var stalls = 0
        /// Requests that the role allowed to be served.
        public var requestsAdmitted = 0
        /// Requests that the role did not allow to be served.
        public var requestsRefused = 0
        /// Requests that waited until it was known whether the peer is gone.
        public var requestsHeld = 0
        /// Requests that had been sent before: they got the first answer again, or wait for it.
        public var requestsRepeated = 0
        /// Requests that could not be taken for one, by reason.
        public var requestsDropped: [RequestDrop: Int] = [:]
        /// Handlers that have ended, with a reply or an error; of inline ones not those that gave no reply.
        public var handlersEnded = 0
        /// How long those took, all together. Of an inline handler from the instant at which its request was read.
        public var handlerTime = Duration.zero
        /// Requests whose handler threw.
        public var handlersFailed = 0
        /// Replies given to libzmq.
        public var repliesSent = 0
        /// Replies that could not be delivered, by reason.
        public var repliesDropped: [ReplyDrop: Int] = [:]
    }

    /// Why a request was dropped.
    public enum RequestDrop: String, Sendable, Hashable, CaseIterable {
        /// It has more frames than the voter takes.
        case tooManyFrames
        /// Its envelope, which would go back with the reply, has more than 4 KiB, with 64 bytes for each frame.
        case envelopeTooLarge
        /// It came to a REP voter without an empty delimiter.
        case noDelimiter
        /// Its client had given up before it could be handled.
        case pastDeadline
    }

    /// Why a reply was dropped.
    public enum ReplyDrop: String, Sendable, Hashable, CaseIterable {
        /// The client does not read its replies, and its queue is full.
        case clientNotReading
        /// The client is no longer connected.
        case clientGone
        /// The server is not active any more: the reply belongs to a term that is over.
        case superseded
    }
}
