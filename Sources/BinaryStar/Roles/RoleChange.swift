/// A change of role: what ``BinaryStar/events`` tells.
public struct RoleChange: Sendable, Hashable {
    /// The role before.
    public var from: Role
    /// The role after.
    public var to: Role
    /// The event that caused the change: what the peer said, or a client's request.
    public var cause: Event
    /// When the change took place.
    public var instant: ContinuousClock.Instant
    /// How long the peer had been silent by then, or `nil` if it was never heard.
    public var peerSilence: Duration?
}

extension RoleChange: CustomStringConvertible {
    public var description: String { "\(from) → \(to) (\(cause))" }
}
