import Synchronization

/// A call that any thread can ask a pump to make. Raising it again before the call costs nothing and adds no second call.
final class PumpSignal: Sendable {
    private let pump: Pump
    private let isRaised = Atomic(false)
    private let handler: @Sendable () -> Void

    /// - Parameter handler: is called on the pump's thread.
    init(pump: Pump, handler: @escaping @Sendable () -> Void) {
        self.pump = pump
        self.handler = handler
    }

    /// Asks for a call. Any thread may do so.
    func raise() {
        guard !isRaised.exchange(true, ordering: .acquiringAndReleasing) else { return }
        pump.add(.signal(self))
    }

    /// Makes the call, on the pump's thread.
    func fire() {
        // Lowered first: what is raised while the handler runs is called for again.
        isRaised.store(false, ordering: .sequentiallyConsistent)
        handler()
    }
}
