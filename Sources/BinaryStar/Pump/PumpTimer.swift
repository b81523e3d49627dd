import BinaryStarCore
import HeapModule

/// An alarm of a pump's tenant: one instant, kept by the pump's own poll timeout. Used on the pump's thread only.
final class PumpTimer {
    /// When to call, or `nil` for never. The handler sets the next one.
    var deadline: MonotonicTime? {
        didSet { if deadline != oldValue { timers?.deadlineChanged(of: self) } }
    }
    /// Those of the pump that has this timer.
    fileprivate var timers: PumpTimers?
    /// The instant of the timer's entry in the heap that counts, if there is one: never later than the deadline.
    fileprivate var entry: MonotonicTime?
    let handler: (MonotonicTime) -> Void

    init(handler: @escaping (MonotonicTime) -> Void) {
        self.handler = handler
    }
}

/// A pump's timers, in a heap: with thousands of them a turn looks at those that are due, and at no other.
///
/// A deadline that moves to later leaves its entry where it is: that happens far more often than that the entry comes to the
/// top, and is put in its place then.
final class PumpTimers {
    private struct Entry: Comparable {
        let instant: MonotonicTime
        let timer: PumpTimer

        static func < (left: Entry, right: Entry) -> Bool { left.instant < right.instant }
        static func == (left: Entry, right: Entry) -> Bool { left.instant == right.instant }

        /// Whether the timer has no other entry that counts instead.
        var counts: Bool { timer.entry == instant }
    }

    private var heap = Heap<Entry>()
    private var count = 0
    /// Kept for its memory.
    private var due: [PumpTimer] = []

    var isEmpty: Bool { count == 0 }

    func insert(_ timer: PumpTimer) {
        count += 1
        timer.timers = self
        deadlineChanged(of: timer)
    }

    /// Takes a timer out. One that is not in is only stopped.
    func remove(_ timer: PumpTimer) {
        timer.deadline = nil
        guard timer.timers === self else { return }
        count -= 1
        timer.timers = nil
        timer.entry = nil
    }

    fileprivate func deadlineChanged(of timer: PumpTimer) {
        guard let deadline = timer.deadline else { return }
        if let entry = timer.entry, entry <= deadline { return }
        timer.entry = deadline
        heap.insert(Entry(instant: deadline, timer: timer))
    }

    /// The earliest deadline of all, or `nil` if there is none.
    var next: MonotonicTime? {
        while let first = heap.min {
            if first.counts, first.timer.deadline == first.instant { return first.instant }
            heap.removeMin()
            guard first.counts else { continue }
            first.timer.entry = nil
            deadlineChanged(of: first.timer)
        }
        return nil
    }

    /// Calls those that are due, each once: one that is due again at once is called in the next turn.
    func fire(at now: MonotonicTime) {
        while let next, next <= now {
            let timer = heap.removeMin().timer
            timer.entry = nil
            due.append(timer)
        }
        for timer in due {
            // A handler before it may have changed that.
            guard timer.timers === self, let deadline = timer.deadline, deadline <= now else { continue }
            timer.deadline = nil
            timer.handler(now)
        }
        due.removeAll(keepingCapacity: true)
    }
}
