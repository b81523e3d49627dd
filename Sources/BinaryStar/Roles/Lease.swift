import BinaryStarCore
import Synchronization

/// Whether the star is active, for code that guards an outside resource. Any thread may ask, as often as it likes.
///
/// A server that has stalled asks, after it wakes, a clock that ran on: the lease ends by itself, before the peer can have become
/// active. What was begun while the lease was valid may still end after it; only a resource that checks the term can refuse
/// that, see ``Request/term``.
///
/// Source: Gray and Cheriton, "Leases" (1989).
public final class Lease: Sendable {
    private let end = Atomic(MonotonicTime.distantPast.nanoseconds)
    private let currentTerm = Atomic<UInt64>(0)

    init() {}

    /// Whether the star is active at this moment and may act as such.
    public var isValid: Bool { MonotonicTime.now.nanoseconds < end.load(ordering: .acquiring) }

    /// The term of the star's latest activation; 0 before the first.
    public var term: UInt64 { currentTerm.load(ordering: .acquiring) }

    /// Until when it is valid, or was.
    var latestEnd: MonotonicTime { MonotonicTime(nanoseconds: end.load(ordering: .acquiring)) }

    func update(end instant: MonotonicTime, term: UInt64?) {
        if let term { currentTerm.store(term, ordering: .releasing) }
        end.store(instant.nanoseconds, ordering: .releasing)
    }
}
