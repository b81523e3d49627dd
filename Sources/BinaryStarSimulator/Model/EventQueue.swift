/// What happens next: a binary heap by instant, and by order of scheduling among equals, so that runs repeat exactly.
struct EventQueue<Event> {
    /// Events are large, and are moved once: the heap orders their places.
    private struct Entry {
        var instant: Instant
        var order: UInt64
        var place: Int

        static func < (left: Entry, right: Entry) -> Bool {
            left.instant != right.instant ? left.instant < right.instant : left.order < right.order
        }
    }

    private var heap: [Entry] = []
    private var events: [Event?] = []
    private var free: [Int] = []
    private var scheduled: UInt64 = 0

    mutating func schedule(_ event: Event, at instant: Instant) {
        scheduled += 1
        let place: Int
        if let last = free.popLast() {
            place = last
            events[place] = event
        } else {
            place = events.count
            events.append(event)
        }
        heap.append(Entry(instant: instant, order: scheduled, place: place))
        var child = heap.count - 1
        while child > 0, heap[child] < heap[(child - 1) / 2] {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func popFirst() -> (instant: Instant, event: Event)? {
        guard let first = heap.first, let event = events[first.place].take() else { return nil }
        free.append(first.place)
        let last = heap.removeLast()
        guard !heap.isEmpty else { return (first.instant, event) }
        heap[0] = last
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && heap[child] < heap[least] {
                least = child
            }
            if least == parent { return (first.instant, event) }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}
