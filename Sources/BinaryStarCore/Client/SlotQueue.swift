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

/// Random delays that a seed repeats (SplitMix64).
struct RandomDelay: Sendable {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// From half of `delay` to one and a half of it, so that clients that failed together do not come back together.
    mutating func around(_ delay: Duration) -> Duration {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        value ^= value >> 31
        return delay * (0.5 + Double(value >> 11) / Double(1 << 53))
    }
}
