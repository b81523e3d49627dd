/// Requests in the order in which they are to be sent. What is out of date is skipped by whoever takes it out.
struct SlotQueue: Sendable {
    private var items: [(slot: Int, number: UInt64)] = []
    private var start = 0

    var count: Int { items.count - start }

    mutating func append(_ slot: Int, _ number: UInt64) { items.append((slot, number)) }

    mutating func prepend(_ slot: Int, _ number: UInt64) {
        if start > 0 {
            start -= 1
            items[start] = (slot, number)
        } else {
            items.insert((slot, number), at: 0)
        }
    }

    mutating func popFirst() -> (slot: Int, number: UInt64)? {
        guard start < items.count else { return nil }
        let first = items[start]
        start += 1
        if start == items.count {
            removeAll()
        } else if start >= 1_024, start * 2 >= items.count {
            items.removeFirst(start)
            start = 0
        }
        return first
    }

    mutating func removeAll() {
        items.removeAll(keepingCapacity: true)
        start = 0
    }

    /// Forgets what is out of date.
    mutating func keep(where isCurrent: (Int, UInt64) -> Bool) {
        items = items[start...].filter { isCurrent($0.slot, $0.number) }
        start = 0
    }
}
