import BinaryStarCore

/// An alarm of a pump's tenant: one instant, kept by the pump's own poll timeout. Used on the pump's thread only.
final class PumpTimer {
    /// When to call, or `nil` for never. The handler sets the next one.
    var deadline: MonotonicTime?
    let handler: (MonotonicTime) -> Void

    init(handler: @escaping (MonotonicTime) -> Void) {
        self.handler = handler
    }
}
