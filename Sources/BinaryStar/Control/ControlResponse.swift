/// What a star answers on its control socket.
public struct ControlResponse: Sendable, Hashable, Codable {
    /// The version of the protocol: 1.
    public var version: Int
    /// That of the request.
    public var id: UInt64?
    /// The star after the command; not with ``ControlCommand/history``, nor with an error.
    public var status: BinaryStar.Status?
    /// With ``ControlCommand/history``: the records, oldest first.
    public var history: [TransitionRecord]?
    /// Why the command was not done.
    public var error: ControlError?

    init(
        id: UInt64? = nil, status: BinaryStar.Status? = nil, history: [TransitionRecord]? = nil,
        error: ControlError? = nil
    ) {
        version = ControlRequest.currentVersion
        self.id = id
        self.status = status
        self.history = history
        self.error = error
    }
}

/// Why a control command was not done.
public struct ControlError: Error, Sendable, Hashable, Codable {
    /// The kind of error, to decide by. A later server may know further ones.
    public struct Code: RawRepresentable, Sendable, Hashable, Codable, CustomStringConvertible {
        public let rawValue: String
        public init(rawValue: String) { self.rawValue = rawValue }

        /// The request is no JSON object of the form that the protocol has.
        public static let malformed = Code(rawValue: "malformed")
        /// The request's version is not known to the server.
        public static let unsupportedVersion = Code(rawValue: "unsupportedVersion")
        /// The server does not know the command.
        public static let unknownCommand = Code(rawValue: "unknownCommand")
        /// The server is not active, has no peer that can take over, or it did not.
        public static let cannotStepDown = Code(rawValue: "cannotStepDown")
        /// The server is active, its peer is alive, or it cannot serve.
        public static let cannotPromote = Code(rawValue: "cannotPromote")
        /// The server stops.
        public static let stopped = Code(rawValue: "stopped")
        /// Told by the client: nobody listens there, or may not be asked, or went away before the response.
        public static let unreachable = Code(rawValue: "unreachable")
        /// Told by the client: the response did not come in time.
        public static let timedOut = Code(rawValue: "timedOut")
        /// Told by the client: what came is no response of this protocol.
        public static let badResponse = Code(rawValue: "badResponse")
        /// Told by the client: it was closed.
        public static let closed = Code(rawValue: "closed")

        public var description: String { rawValue }
    }

    public var code: Code
    /// What was wrong, and what to do.
    public var message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    init(_ error: BinaryStarError) {
        self.init(Code(rawValue: "\(error.code)"), error.message)
    }
}

extension ControlError: CustomStringConvertible {
    public var description: String { message }
}
