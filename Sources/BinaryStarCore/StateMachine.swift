/// Both servers claim the same role, which the pair cannot resolve by the plain table.
public enum Conflict: Sendable, Hashable {
    /// Both servers are active: a split brain, after a partition or a long stall.
    case dualActive
    /// Both servers are passive: nobody would ever serve.
    case dualPassive
}

extension Conflict: CustomStringConvertible {
    public var description: String {
        switch self {
        case .dualActive: "dual active"
        case .dualPassive: "dual passive"
        }
    }
}

/// The Binary Star finite-state machine: the table that says what each event does to a server in each role.
///
/// | role | peer primary | peer backup | peer active | peer passive | client request |
/// |---|---|---|---|---|---|
/// | primary | – | → active | → passive | – | peer expired: → active, admit; else refuse |
/// | backup | – | – | → passive | – | refuse |
/// | active | – | – | conflict | – | admit |
/// | passive | → active | → active | – | conflict | peer expired: → active, admit; else refuse |
///
/// Source: zguide, chapter 4, `bstar.c`, `s_execute_fsm`.
package enum StateMachine {
    package enum Outcome: Sendable, Hashable {
        /// The event changes nothing.
        case none
        /// The peer's role moved this server to another one.
        case become(Role)
        /// The request may be served.
        case admit
        /// The request is the vote that makes this server active, and may be served.
        case becomeActiveAndAdmit
        /// The request must not be served.
        case refuse
        /// The peer claims what this server claims.
        case conflict(Conflict)
    }

    /// What `event` does to a server in `role`.
    ///
    /// - Parameter peerExpired: whether the peer has been silent for longer than the timeout. Only a client's request
    ///   asks for it: a silent peer alone never causes a failover.
    package static func outcome(of event: Event, in role: Role, peerExpired: Bool) -> Outcome {
        switch (role, event) {
        // Waiting for the peer, allowed to begin alone.
        case (.primary, .peer(.primary)): .none
        case (.primary, .peer(.backup)): .become(.active)
        case (.primary, .peer(.active)): .become(.passive)
        case (.primary, .peer(.passive)): .none
        case (.primary, .clientRequest): peerExpired ? .becomeActiveAndAdmit : .refuse

        // Waiting for the peer, not allowed to begin alone.
        case (.backup, .peer(.primary)): .none
        case (.backup, .peer(.backup)): .none
        case (.backup, .peer(.active)): .become(.passive)
        case (.backup, .peer(.passive)): .none
        case (.backup, .clientRequest): .refuse

        // Serving. The only way out is to stop.
        case (.active, .peer(.primary)): .none
        case (.active, .peer(.backup)): .none
        case (.active, .peer(.active)): .conflict(.dualActive)
        case (.active, .peer(.passive)): .none
        case (.active, .clientRequest): .admit

        // Watching. A peer that waits again has restarted, and leaves the service to us.
        case (.passive, .peer(.primary)): .become(.active)
        case (.passive, .peer(.backup)): .become(.active)
        case (.passive, .peer(.active)): .none
        case (.passive, .peer(.passive)): .conflict(.dualPassive)
        case (.passive, .clientRequest): peerExpired ? .becomeActiveAndAdmit : .refuse
        }
    }
}
