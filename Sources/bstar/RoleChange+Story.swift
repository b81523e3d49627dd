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
