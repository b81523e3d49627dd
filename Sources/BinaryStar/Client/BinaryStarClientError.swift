public import ZeroMQ

/// Why a request of a ``BinaryStarClient`` has no reply.
public struct BinaryStarClientError: Error, Sendable {
    /// The kind of error, to decide by.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Value: String, Sendable, Hashable {
            case timedOut, closed, socketFailed
        }

        private let value: Value

        /// No server replied in time. The request may have been handled all the same, even more than once.
        public static let timedOut = Code(value: .timedOut)
        /// The client was closed.
        public static let closed = Code(value: .closed)
        /// libzmq failed.
        public static let socketFailed = Code(value: .socketFailed)

        public var description: String { value.rawValue }
    }

    public var code: Code
    /// What went wrong, and what to look at.
    public var message: String
    /// libzmq's error, if one is the cause.
    public var underlyingError: ZeroMQError?

    init(_ code: Code, _ message: String, underlying: ZeroMQError? = nil) {
        self.code = code
        self.message = message
        self.underlyingError = underlying
    }

    static let closed = BinaryStarClientError(.closed, "the client was closed")
}

extension BinaryStarClientError: CustomStringConvertible {
    public var description: String { message }
}
