import Testing

@testable import BinaryStarCore

@Suite struct SlotTableTests {
    /// As a client uses it: numbers that rise, and some of which stay for long.
    @Test(arguments: [1, 7, 42, UInt64.random(in: 0 ... .max)])
    func agreesWithADictionary(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var table = SlotTable()
        var model: [UInt64: Int] = [:]
        var known: [UInt64] = []
        var number = UInt64(seed % 3) * (.max / 2 - 5_000)
        for _ in 0..<20_000 {
            if known.isEmpty || random.next() % 100 < (known.count < 300 ? 60 : 45) {
                number &+= 1
                table.insert(number, slot: model.count)
                model[number] = model.count
                known.append(number)
            } else {
                let index = Int(random.next() % UInt64(known.count))
                known.swapAt(index, known.count - 1)
                let any = known.removeLast()
                table.remove(any)
                model[any] = nil
                #expect(table[any] == nil, "seed \(seed)")
            }
            #expect(table.count == model.count, "seed \(seed)")
            let probe = number &- random.next() % 400
            #expect(table[probe] == model[probe], "seed \(seed)")
        }
        for (number, slot) in model { #expect(table[number] == slot, "seed \(seed)") }
    }

    @Test func isEmptyAtFirstAndAfterwards() {
        var table = SlotTable()
        #expect(table.isEmpty && table[0] == nil && table[1] == nil)
        for number in 0..<UInt64(1_000) { table.insert(number, slot: Int(number)) }
        for number in 0..<UInt64(1_000) { table.remove(number) }
        #expect(table.isEmpty && table[0] == nil && table[999] == nil)
    }
}
