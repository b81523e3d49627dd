import BinaryStarCore

/// A change of a server's role or term with the evidence for it, as it is kept: what ``BinaryStar/BinaryStar/history`` has, and
/// each line of the state directory.
public struct TransitionRecord: Sendable, Hashable, Codable {
    /// When, in milliseconds since 1970 by this server's clock: for people. Clocks step and differ; ``term`` gives the order.
    public var time: UInt64
    /// The server whose change it is.
    public var seat: Seat
    /// The role before.
    public var from: Role
    /// The role after. The same as before if an active server had to take a new term.
    public var to: Role
    /// The highest term known after the change; the server's own if it is active.
    public var term: UInt64
    /// Why.
    public var cause: Cause
    /// How long the peer had been silent by then, in seconds, or `nil` if it was never heard.
    public var peerSilence: Double?
    /// The role that the peer had named last, or `nil` if it was never heard.
    public var peerRole: Role?
    /// The highest term that the peer knew, or `nil` if it was never heard or has no terms.
    public var peerTerm: UInt64?

    package init(_ change: RoleChange, seat: Seat) {
        time = change.time
        self.seat = seat
        from = change.from
        to = change.to
        term = change.term
        cause = change.cause
        peerSilence = change.peerSilence.map { $0 / .seconds(1) }
        peerRole = change.peerRole
        peerTerm = change.peerTerm
    }

    /// Reads a line of the state directory, or returns `nil` if it is none.
    init?(line: String) {
        guard let json = try? JSON(parsing: Array(line.utf8)), let record = try? json.decode(TransitionRecord.self)
        else { return nil }
        self = record
    }

    /// The record as one line of JSON.
    package var line: String {
        // Numbers and names: they can always be encoded.
        (try? JSON(encoding: self))?.text ?? ""
    }
}

extension BinaryStar {
    /// The latest 1,000 changes of role and term, oldest first; with a state directory also those of earlier lives.
    public var history: [TransitionRecord] { Array(records) }
}
