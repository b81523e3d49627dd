/// Why a server's role or term changed.
public enum Cause: Sendable, Hashable {
    /// The peer said that it has this role.
    case peer(Role)
    /// A client asked for service, and the peer had been silent for the timeout.
    case clientRequest
    /// A client asked for service, and the peer's process was gone: its link dropped, and its port refused connections.
    case clientRequestAfterPeerDeath
    /// The application voted in the place of clients, and the peer had been silent for the timeout.
    case automaticVote
    /// The application voted in the place of clients, and the peer's process was gone.
    case automaticVoteAfterPeerDeath
    /// The peer is active too, in a higher term.
    case superseded
    /// Both servers were passive: each takes its seat again.
    case dualPassive
    /// This server hands over: it takes its seat again, which lets the passive peer become active.
    case stepDown
    /// The peer to which this server handed over was not heard as active in time.
    case handoverFailed
    /// An operator made this server active.
    case promote
    /// The peer knows a higher term than this active server's.
    case higherTerm
}

extension Cause: CustomStringConvertible {
    public var description: String {
        switch self {
        case .peer(let role): "peer \(role)"
        case .clientRequest: "client request"
        case .clientRequestAfterPeerDeath: "client request after the peer's death"
        case .automaticVote: "automatic vote"
        case .automaticVoteAfterPeerDeath: "automatic vote after the peer's death"
        case .superseded: "superseded by a higher term"
        case .dualPassive: "dual passive"
        case .stepDown: "step down"
        case .handoverFailed: "handover failed"
        case .promote: "promote"
        case .higherTerm: "the peer knows a higher term"
        }
    }
}

extension Cause {
    /// All that there are.
    package static let all: [Cause] =
        Role.allCases.map { .peer($0) } + [
            .clientRequest, .clientRequestAfterPeerDeath, .automaticVote, .automaticVoteAfterPeerDeath, .superseded,
            .dualPassive, .stepDown, .handoverFailed, .promote, .higherTerm,
        ]

    /// Whether a vote made the server active.
    package var isVote: Bool {
        switch self {
        case .clientRequest, .clientRequestAfterPeerDeath, .automaticVote, .automaticVoteAfterPeerDeath: true
        case .peer, .superseded, .dualPassive, .stepDown, .handoverFailed, .promote, .higherTerm: false
        }
    }
}

/// Coded by its description.
extension Cause: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let name = try container.decode(String.self)
        guard let cause = Self.all.first(where: { $0.description == name }) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "\"\(name)\" is no cause")
        }
        self = cause
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// A change of role or term, with the evidence for it.
package struct Transition: Sendable, Hashable {
    package var from: Role
    package var to: Role
    /// The highest term known after the change; the server's own if it is active.
    package var term: UInt64
    package var cause: Cause
    package var instant: MonotonicTime
    /// How long the peer had been silent, or `nil` if it was never heard.
    package var peerSilence: Duration?
    /// The role and the term that the peer had named last.
    package var peerRole: Role?
    package var peerTerm: UInt64?

    package init(
        from: Role,
        to: Role,
        term: UInt64,
        cause: Cause,
        instant: MonotonicTime,
        peerSilence: Duration? = nil,
        peerRole: Role? = nil,
        peerTerm: UInt64? = nil
    ) {
        self.from = from
        self.to = to
        self.term = term
        self.cause = cause
        self.instant = instant
        self.peerSilence = peerSilence
        self.peerRole = peerRole
        self.peerTerm = peerTerm
    }
}
