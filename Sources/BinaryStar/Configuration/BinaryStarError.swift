import BinaryStarCore
public import ZeroMQ

/// What a ``BinaryStar`` or a ``BinaryStarClient`` cannot do, and why.
public struct BinaryStarError: Error, Sendable {
    /// The kind of error, to decide by.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Value: String, Sendable, Hashable {
            case invalidConfiguration, endpointUnavailable, alreadyRan, stopped, conflict, cannotStepDown, cannotPromote
            case stateUnavailable, unsupported, socketFailed
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
        /// This server cannot hand over, or its peer did not take over.
        public static let cannotStepDown = Code(value: .cannotStepDown)
        /// This server cannot be made active.
        public static let cannotPromote = Code(value: .cannotPromote)
        /// The state directory cannot be read or written.
        public static let stateUnavailable = Code(value: .stateUnavailable)
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

    package init(_ code: Code, _ message: String, conflict: Conflict? = nil, underlying: ZeroMQError? = nil) {
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
    package static func invalid(_ field: String, _ value: some Any, _ rule: String) -> BinaryStarError {
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

    static func cannotStepDown(_ refusal: PairMember.StepDownRefusal) -> BinaryStarError {
        let reason =
            switch refusal {
            case .notActive: "this server is not active, so that it has nothing to hand over"
            case .suspect: "this server has stalled and does not know yet whether its peer took over; try again"
            case .noPassivePeer: "there is no live passive peer that would take over; start it first"
            case .peerUnhealthy: "the peer says that it cannot serve"
            }
        return BinaryStarError(.cannotStepDown, reason)
    }

    static func cannotPromote(_ refusal: PairMember.PromoteRefusal) -> BinaryStarError {
        let reason =
            switch refusal {
            case .alreadyActive: "this server is active already"
            case .peerIsAlive(.active?): "the peer is alive and active; tell it to step down instead"
            case .peerIsAlive: "the peer is alive, or may be: it counts as gone when it has been silent for the timeout"
            case .unhealthy:
                "this server says that it cannot serve, or was drained: resume it, or see why it is not healthy"
            }
        return BinaryStarError(.cannotPromote, reason)
    }

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
