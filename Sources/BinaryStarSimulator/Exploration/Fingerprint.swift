/// What stands for a situation in the set of those that were seen: 128 bits, the same in every process.
///
/// Two situations of N can share one by chance with a probability of N² / 2¹²⁹: for 10⁸ of them 1 in 6 × 10²². The second
/// would be taken for the first, and not be looked at.
struct Fingerprint: Hashable, Sendable {
    private(set) var high: UInt64 = 0x243F_6A88_85A3_08D3
    private(set) var low: UInt64 = 0x1319_8A2E_0370_7344

    /// Two lanes, which see each number through different multiplications.
    mutating func combine(_ number: Int64) {
        let value = UInt64(bitPattern: number)
        high = Self.fold(high ^ value ^ 0xA409_3822_299F_31D0, 0x9E37_79B9_7F4A_7C15)
        low = Self.fold((low &+ value) ^ 0x082E_FA98_EC4E_6C89, 0xD6E8_FEB8_6659_FD93 ^ (value << 1))
    }

    mutating func combine(_ flag: Bool) { combine(flag ? 1 : 0) }

    private static func fold(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = left.multipliedFullWidth(by: right | 1)
        let sum = product.high ^ product.low
        return (sum ^ (sum >> 29)) &+ (left << 23 | left >> 41)
    }

    /// Its bits are spread evenly already.
    func hash(into hasher: inout Hasher) { hasher.combine(low) }
}
