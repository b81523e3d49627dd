import BinaryStarCore
public import ZeroMQ

/// Why a request of a ``BinaryStarClient`` has no reply.
public struct BinaryStarClientError: Error, Sendable {
    /// The kind of error, to decide by.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Value: String, Sendable, Hashable {
            case timedOut, unknownOutcome, handlerFailed, invalidRequest, closed, socketFailed
        }

        private let value: Value

        /// No server replied in time. The request may have been handled all the same, even more than once; one that must not be
        /// sent again (``BinaryStarClient/Delivery/once``) was not handled.
        public static let timedOut = Code(value: .timedOut)
        /// The request must not be sent again, and it may have been handled or not: its connection broke, or no reply came in
        /// time.
        public static let unknownOutcome = Code(value: .unknownOutcome)
        /// The active server's handler failed. ``BinaryStarClientError/failure`` has what it chose to tell.
        public static let handlerFailed = Code(value: .handlerFailed)
        /// The request breaks a rule, and was not sent. The message names the field, the value and the rule.
        public static let invalidRequest = Code(value: .invalidRequest)
        /// The client was closed. A request that was in flight may have been handled.
        public static let closed = Code(value: .closed)
        /// libzmq failed, as when the process has no descriptors left. A request that was in flight may have been handled.
        public static let socketFailed = Code(value: .socketFailed)

        public var description: String { value.rawValue }
    }

    public var code: Code
    /// What went wrong, and what to look at.
    public var message: String
    /// What the handler chose to tell, if the code is ``Code/handlerFailed``; `nil` if that is nothing.
    public var failure: RequestFailure?
    /// libzmq's error, if one is the cause.
    public var underlyingError: ZeroMQError?

    init(_ code: Code, _ message: String, failure: RequestFailure? = nil, underlying: ZeroMQError? = nil) {
        self.code = code
        self.message = message
        self.failure = failure
        self.underlyingError = underlying
    }

    static let closed = BinaryStarClientError(
        .closed, "the client was closed; a request that was in flight may have been handled")

    static func invalid(_ field: String, _ value: some Any, _ rule: String) -> BinaryStarClientError {
        BinaryStarClientError(.invalidRequest, "\(field) is \(value), but \(rule)")
    }

    /// - Parameters:
    ///   - message: the server's answer.
    ///   - bodyStart: where in it what the handler chose to tell begins, if there is anything.
    static func handlerFailed(_ message: Message, _ bodyStart: Int) -> BinaryStarClientError {
        guard message.count > bodyStart, let told = message[bodyStart].withSpan({ HandlerFailure($0) }) else {
            return BinaryStarClientError(.handlerFailed, "the server's handler failed; its log says why")
        }
        let failure = RequestFailure(code: Int(truncatingIfNeeded: told.code), text: told.text)
        return BinaryStarClientError(.handlerFailed, "the server's handler failed: \(failure)", failure: failure)
    }
}

extension BinaryStarClientError: CustomStringConvertible {
    public var description: String { message }
}
