/// What the finite-state machine reacts to: its input. What it makes of it, a role change, is told by `BinaryStar.events`.
///
/// The peer publishes its role, and that role *is* the event: there is no other message between the two servers.
///
/// Source: zguide, chapter 4, "Binary Star Implementation".
public enum Event: Sendable, Hashable {
    /// The peer said which role it has.
    case peer(Role)
    /// A client asks for service. Its request is the vote that decides a failover.
    case clientRequest
}

extension Event: CustomStringConvertible {
    public var description: String {
        switch self {
        case .peer(let role): "peer \(role)"
        case .clientRequest: "client request"
        }
    }
}
