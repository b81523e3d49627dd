import BinaryStar

extension RoleChange {
    /// What happened and why, for people.
    var story: String {
        var story = "\(to) (\(cause.explanation))"
        if to == .active { story += "; term \(term)" }
        if cause == .clientRequest || cause == .clientRequestAfterPeerDeath {
            story += peerSilence.map { "; the peer was silent for \($0.short)" } ?? "; the peer was never heard"
        }
        return story
    }
}

extension Cause {
    fileprivate var explanation: String {
        switch self {
        case .peer(let role): "the peer says it is \(role)"
        case .clientRequest: "a client asked"
        case .clientRequestAfterPeerDeath: "a client asked, and the peer's process is gone"
        case .superseded: "the peer is active in a higher term"
        case .dualPassive: "both servers were passive"
        case .stepDown: "it hands over"
        case .handoverFailed: "the peer did not take over"
        case .promote: "an operator said so"
        case .higherTerm: "the peer knows a higher term"
        }
    }
}
