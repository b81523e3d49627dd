import Testing

@testable import BinaryStar

@Suite struct RendezvousHashTests {
    private let names = ["a", "b", "c", "d", "e"]
    private let keys = (0..<10_000).map { "key-\($0)" }

    /// Computed from the description by another program.
    @Test func weightsAreTheSameEverywhere() {
        #expect(RendezvousHash.weight(of: "north", for: "customer-17") == 0x3699_4C34_D25F_F28C)
        #expect(RendezvousHash.weight(of: "south", for: "customer-17") == 0xD61D_239D_E9BC_51F8)
        #expect(RendezvousHash.weight(of: "", for: "") == 0xB903_4AD3_7056_F5FB)
        #expect(RendezvousHash.weight(of: "ä", for: "ß") == 0x7900_A507_50A0_3820)
        let pairs = (0..<6).map { RendezvousHash.pair(for: "customer-\($0)", among: ["north", "south", "west"]) }
        #expect(pairs == ["west", "west", "north", "west", "north", "south"])
    }

    @Test func everyPairGetsItsShare() {
        let shares = Dictionary(grouping: keys) { RendezvousHash.pair(for: $0, among: names)! }.mapValues(\.count)
        #expect(Set(shares.keys) == Set(names))
        #expect(shares.values.allSatisfy { (1_900...2_100).contains($0) }, "\(shares)")
    }

    @Test func orderDoesNotMatter() {
        for key in keys.prefix(100) {
            #expect(
                RendezvousHash.pair(for: key, among: names) == RendezvousHash.pair(for: key, among: names.reversed()))
        }
    }

    @Test("When a pair goes, only its own keys move")
    func removal() {
        for key in keys {
            let before = RendezvousHash.pair(for: key, among: names)
            if before != "c" { #expect(RendezvousHash.pair(for: key, among: ["a", "b", "d", "e"]) == before) }
        }
    }

    @Test func noPairs() {
        #expect(RendezvousHash.pair(for: "key", among: []) == nil)
    }
}
