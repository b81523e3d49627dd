package import BinaryStarCore

/// What a star did, at the instant at which it did it, for whoever keeps a record of it.
package enum Observation: Sendable {
    /// The role or the term changed.
    case changed(Transition)
    /// A request was admitted in this term. The instant is the one that the core judged, not that of the handler.
    case admitted(term: UInt64, instant: MonotonicTime, header: RequestHeader?)
    /// A reply went out. The instant is the one for which the star knew that it may reply: one that is stopped right then sends
    /// when it goes on what was on its way already.
    case replied(term: UInt64, instant: MonotonicTime, header: RequestHeader?)
    /// A heartbeat with this number was given to libzmq. The instant is the one just before. Not told without the extension,
    /// which has the number.
    case published(sequence: UInt64, instant: MonotonicTime)
    /// The peer's heartbeat with this number has gone through the state machine, and what follows from it is done.
    case judged(sequence: UInt64, instant: MonotonicTime)

    /// Runs on the pump's thread, and must not block.
    package typealias Observer = @Sendable (Observation) -> Void
}

extension BinaryStar {
    /// Has everything that this star does told to `observer`. Voters that are there already stay unobserved.
    package func observe(with observer: @escaping Observation.Observer) { sockets.observer = observer }
}
