/// Calls that wait for what the star is about to do.
struct Waiters {
    /// For what runs to end: handlers, and what may run only while the star is active.
    var drained: [CheckedContinuation<Void, Never>] = []
    /// For the peer to become active, or not: the value is whether it did.
    var handedOver: [CheckedContinuation<Bool, Never>] = []

    /// For ``BinaryStar/run()`` to have begun, or not to begin any more: the value is whether it has.
    var running: [CheckedContinuation<Bool, Never>] = []

    mutating func resumeRunning(_ runs: Bool) {
        for waiter in running { waiter.resume(returning: runs) }
        running = []
    }

    mutating func resumeDrained() {
        for waiter in drained { waiter.resume() }
        drained = []
    }

    mutating func resumeHandedOver(_ peerIsActive: Bool) {
        for waiter in handedOver { waiter.resume(returning: peerIsActive) }
        handedOver = []
    }
}
