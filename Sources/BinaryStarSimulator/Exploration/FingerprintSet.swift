import Synchronization

/// A set of fingerprints in one block of memory: 16 bytes for each place, of which at most two thirds are taken.
struct FingerprintSet: Sendable {
    private static let empty = UInt64(0)

    /// Two numbers for each place. No fingerprint has a low half of 0 here.
    private var places: [UInt64]
    private(set) var count = 0
    private var mask: Int

    init() {
        places = Array(repeating: Self.empty, count: 2 * 64)
        mask = 63
    }

    /// - Returns: whether it was not there.
    mutating func insert(_ print: Fingerprint) -> Bool {
        if (count + 1) * 3 > (mask + 1) * 2 { grow() }
        return place(print.high, print.low == Self.empty ? 1 : print.low)
    }

    private mutating func place(_ high: UInt64, _ low: UInt64) -> Bool {
        var index = Int(truncatingIfNeeded: high) & mask
        while true {
            let found = places[2 * index + 1]
            if found == Self.empty { break }
            if found == low, places[2 * index] == high { return false }
            index = (index + 1) & mask
        }
        places[2 * index] = high
        places[2 * index + 1] = low
        count += 1
        return true
    }

    private mutating func grow() {
        let old = places
        mask = mask * 2 + 1
        places = Array(repeating: Self.empty, count: 2 * (mask + 1))
        count = 0
        for index in stride(from: 0, to: old.count, by: 2) where old[index + 1] != Self.empty {
            _ = place(old[index], old[index + 1])
        }
    }
}

/// The situations that were seen, for several workers: each locks one part of many.
final class SeenSituations: Sendable {
    private final class Part: Sendable {
        let set = Mutex(FingerprintSet())
    }

    private let parts = (0..<256).map { _ in Part() }

    func insert(_ print: Fingerprint) -> Bool {
        parts[Int(truncatingIfNeeded: print.high >> 56)].set.withLock { $0.insert(print) }
    }

    var count: Int { parts.reduce(0) { $0 + $1.set.withLock { $0.count } } }
}
