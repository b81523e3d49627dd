/// Which slot has which request number: a hash table that is cheaper than a dictionary, since nobody but this client chooses the
/// numbers. A dictionary guards itself by its hash against keys that were chosen to collide; these are consecutive.
///
/// At most half of the places are taken, and a number is as near behind its own place as there is room (linear probing).
struct SlotTable: Sendable {
    private struct Place {
        var number: UInt64 = 0
        /// Below zero: nobody is here.
        var slot = -1

        var isFree: Bool { slot < 0 }
    }

    private var places = [Place](repeating: Place(), count: SlotTable.smallest)
    private(set) var count = 0

    /// A power of two.
    private static let smallest = 16

    var isEmpty: Bool { count == 0 }

    /// The slot of a number, or `nil` if it has none.
    subscript(number: UInt64) -> Int? {
        let place = places[index(of: number)]
        return place.isFree ? nil : place.slot
    }

    /// Gives a number, which has none yet, a slot.
    mutating func insert(_ number: UInt64, slot: Int) {
        if 2 * (count + 1) > places.count { grow() }
        let index = index(of: number)
        precondition(places[index].isFree, "the request number \(number) is used already")
        places[index] = Place(number: number, slot: slot)
        count += 1
    }

    /// Forgets a number, which has a slot.
    mutating func remove(_ number: UInt64) {
        var hole = index(of: number)
        precondition(!places[hole].isFree, "the request number \(number) is not used")
        count -= 1
        // Those behind it move up, so that none is ever behind a free place.
        var next = hole
        while true {
            next = (next + 1) & mask
            let place = places[next]
            if place.isFree { break }
            let isReachedThroughHole = (next - home(of: place.number)) & mask >= (next - hole) & mask
            guard isReachedThroughHole else { continue }
            places[hole] = place
            hole = next
        }
        places[hole] = Place()
    }

    /// Where a number is, or would be.
    private func index(of number: UInt64) -> Int {
        var index = home(of: number)
        while !places[index].isFree, places[index].number != number { index = (index + 1) & mask }
        return index
    }

    private var mask: Int { places.count - 1 }

    /// The golden ratio spreads consecutive numbers evenly.
    ///
    /// Source: Knuth, The Art of Computer Programming, volume 3, section 6.4, "multiplicative hashing".
    private func home(of number: UInt64) -> Int {
        Int(truncatingIfNeeded: (number &* 0x9E37_79B9_7F4A_7C15) >> 32) & mask
    }

    private mutating func grow() {
        let old = places
        places = [Place](repeating: Place(), count: old.count * 2)
        for place in old where !place.isFree { places[index(of: place.number)] = place }
    }
}
