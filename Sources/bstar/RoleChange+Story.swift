import BinaryStar
import BinaryStarCore

extension RoleChange {
    /// What happened and why, for people.
    var story: String {
        var story = "\(to) (\(cause.explanation))"
        if to == .active { story += "; term \(term)" }
        if cause.isVote {
            story += peerSilence.map { "; the peer was silent for \($0.short)" } ?? "; the peer was never heard"
        }
        return story
    }
}
