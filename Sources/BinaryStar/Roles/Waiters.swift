/// Calls that wait for what the star is about to do.
struct Waiters {
    /// For what runs to end: handlers, and what may run only while the star is active.
    var drained: [CheckedContinuation<Void, Never>] = []
    /// For the peer to become active, or not: the value is whether it did.
    var handedOver: [CheckedContinuation<Bool, Never>] = []

    mutating func resumeDrained() {
        for waiter in drained { waiter.resume() }
        drained = []
    }

    mutating func resumeHandedOver(_ peerIsActive: Bool) {
        for waiter in handedOver { waiter.resume(returning: peerIsActive) }
        handedOver = []
    }
}
