import Testing

@testable import BinaryStarCore

@Suite struct SlotTableTests {
    /// Slots that come and go, some of which stay for long; with hashes that are alike, too.
    @Test(arguments: [1, 7, 42, UInt64.random(in: 0 ... .max)], [UInt32.max, 0x3F])
    func agreesWithADictionary(seed: UInt64, mask: UInt32) {
        var random = SplitMix64(seed: seed)
        var table = SlotTable()
        var keys: [UInt64?] = []
        var model: [UInt64: Int] = [:]
        var known: [UInt64] = []
        func hash(_ key: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: key &* 0x9E37_79B9_7F4A_7C15 >> 32) & mask }
        func find(_ key: UInt64) -> Int? { table.slot(hash: hash(key)) { keys[$0] == key } }
        var key = UInt64(seed % 3) * (.max / 2 - 5_000)
        for _ in 0..<20_000 {
            if model.isEmpty || random.next() % 100 < (model.count < 300 ? 60 : 45) {
                key &+= 1
                table.insert(keys.count, hash: hash(key))
                model[key] = keys.count
                keys.append(key)
                known.append(key)
            } else {
                known.swapAt(Int(random.next() % UInt64(known.count)), known.count - 1)
                let any = known.removeLast()
                guard let slot = model.removeValue(forKey: any) else { continue }
                table.remove(slot, hash: hash(any))
                keys[slot] = nil
                #expect(find(any) == nil, "seed \(seed)")
            }
            #expect(table.count == model.count, "seed \(seed)")
            let probe = key &- random.next() % 400
            #expect(find(probe) == model[probe], "seed \(seed)")
        }
        for (key, slot) in model { #expect(find(key) == slot, "seed \(seed)") }
    }

    @Test func isEmptyAtFirstAndAfterwards() {
        var table = SlotTable()
        #expect(table.isEmpty && table.slot(hash: 0) { _ in true } == nil)
        for slot in 0..<1_000 { table.insert(slot, hash: UInt32(slot % 7)) }
        #expect(table.slot(hash: 3) { $0 == 703 } == 703)
        for slot in 0..<1_000 { table.remove(slot, hash: UInt32(slot % 7)) }
        #expect(table.isEmpty && table.slot(hash: 3) { _ in true } == nil)
    }
}
