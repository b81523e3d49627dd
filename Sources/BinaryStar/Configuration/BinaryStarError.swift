public import ZeroMQ

/// What a ``BinaryStar`` or a ``BinaryStarClient`` cannot do, and why.
public struct BinaryStarError: Error, Sendable {
    /// The kind of error, to decide by.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Value: String, Sendable, Hashable {
            case invalidConfiguration, endpointUnavailable, alreadyRan, stopped, conflict, unsupported, socketFailed
        }

        private let value: Value

        /// A field of a configuration breaks its rule. The message names the field, the value and the rule.
        public static let invalidConfiguration = Code(value: .invalidConfiguration)
        /// An endpoint cannot be bound: it is in use, its address is not of this machine, or it may not be used.
        public static let endpointUnavailable = Code(value: .endpointUnavailable)
        /// `run()` was called a second time.
        public static let alreadyRan = Code(value: .alreadyRan)
        /// The star has stopped, and does nothing any more.
        public static let stopped = Code(value: .stopped)
        /// Both servers of the pair claim to be active, or both to be passive.
        public static let conflict = Code(value: .conflict)
        /// The socket's type does not do this.
        public static let unsupported = Code(value: .unsupported)
        /// libzmq failed for another reason.
        public static let socketFailed = Code(value: .socketFailed)

        public var description: String { value.rawValue }
    }

    public var code: Code
    /// What was wrong, with which value, and what to do.
    public var message: String
    /// The conflict, if the code is ``Code/conflict``.
    public var conflict: Conflict?
    /// libzmq's error, if one is the cause.
    public var underlyingError: ZeroMQError?

    init(_ code: Code, _ message: String, conflict: Conflict? = nil, underlying: ZeroMQError? = nil) {
        self.code = code
        self.message = message
        self.conflict = conflict
        self.underlyingError = underlying
    }
}

extension BinaryStarError: CustomStringConvertible {
    public var description: String { message }
}

extension BinaryStarError {
    static func invalid(_ field: String, _ value: some Any, _ rule: String) -> BinaryStarError {
        BinaryStarError(.invalidConfiguration, "\(field) is \(value), but \(rule)")
    }

    static func unavailable(_ field: String, _ error: ZeroMQError) -> BinaryStarError {
        let advice =
            error.isAddressInUse
            ? "; another process or socket has it: stop that one, or choose another endpoint" : ""
        return BinaryStarError(
            .endpointUnavailable, "\(field): cannot \(error)\(advice)", underlying: error)
    }

    static func failed(_ error: ZeroMQError) -> BinaryStarError {
        BinaryStarError(.socketFailed, "\(error)", underlying: error)
    }

    static let stopped = BinaryStarError(.stopped, "the star has stopped; create a new one to start again")

    static func conflict(_ conflict: Conflict) -> BinaryStarError {
        let consequence =
            switch conflict {
            case .dualActive:
                "both servers are active, so that clients may have changed the state of both; decide which one is right, and restart the other"
            case .dualPassive: "both servers are passive, so that nobody serves; restart one of them"
            }
        return BinaryStarError(.conflict, "\(conflict): \(consequence)", conflict: conflict)
    }
}
