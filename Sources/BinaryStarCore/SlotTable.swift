/// Which slot has which key, by the key's hash: a hash table of eight bytes a place, for whoever keeps the keys in slots of its
/// own. Small, because a place that is not in the processor's cache costs more than all else about it.
///
/// At most three quarters of the places are taken, and a slot is as near behind its own place as there is room (linear probing).
/// It is as fast as the hashes are well spread; where others choose the keys, they must not be able to foresee them.
package struct SlotTable: Sendable {
    private struct Place {
        var hash: UInt32 = 0
        /// Below zero: nobody is here.
        var slot: Int32 = -1

        var isFree: Bool { slot < 0 }
    }

    private var places = [Place](repeating: Place(), count: SlotTable.smallest)
    package private(set) var count = 0

    /// A power of two.
    private static let smallest = 16

    package init() {}

    package var isEmpty: Bool { count == 0 }

    /// The slot with this hash whose key is the one looked for, as `hasKey` tells, or `nil` if there is none.
    package func slot(hash: UInt32, where hasKey: (Int) -> Bool) -> Int? {
        var index = Int(hash) & mask
        while !places[index].isFree {
            let place = places[index]
            if place.hash == hash, hasKey(Int(place.slot)) { return Int(place.slot) }
            index = (index + 1) & mask
        }
        return nil
    }

    /// Adds a slot, whose key is not in the table yet.
    package mutating func insert(_ slot: Int, hash: UInt32) {
        if 4 * (count + 1) > 3 * places.count { grow() }
        place(Place(hash: hash, slot: Int32(slot)))
        count += 1
    }

    /// Forgets a slot, which was added with this hash.
    package mutating func remove(_ slot: Int, hash: UInt32) {
        var hole = Int(hash) & mask
        while places[hole].slot != slot {
            precondition(!places[hole].isFree, "slot \(slot) is not in the table")
            hole = (hole + 1) & mask
        }
        count -= 1
        // Those behind it move up, so that none is ever behind a free place.
        var next = hole
        while true {
            next = (next + 1) & mask
            let place = places[next]
            if place.isFree { break }
            let isReachedThroughHole = (next - Int(place.hash)) & mask >= (next - hole) & mask
            guard isReachedThroughHole else { continue }
            places[hole] = place
            hole = next
        }
        places[hole] = Place()
    }

    private var mask: Int { places.count - 1 }

    private mutating func place(_ new: Place) {
        var index = Int(new.hash) & mask
        while !places[index].isFree { index = (index + 1) & mask }
        places[index] = new
    }

    private mutating func grow() {
        let old = places
        places = [Place](repeating: Place(), count: old.count * 2)
        for taken in old where !taken.isFree { place(taken) }
    }
}
