/// Random numbers that a seed repeats, on every machine and with every version of the standard library.
///
/// Source: Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators" (2014).
package struct SplitMix64: Sendable {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }

    /// A number of the range, each as likely as the others.
    package mutating func number(in range: ClosedRange<Int64>) -> Int64 {
        let width = UInt64(bitPattern: range.upperBound &- range.lowerBound) &+ 1
        let offset = width == 0 ? next() : next().multipliedFullWidth(by: width).high
        return range.lowerBound &+ Int64(bitPattern: offset)
    }

    /// From half of `delay` to one and a half of it, each as likely as the others.
    package mutating func delay(around delay: Duration) -> Duration {
        delay * (0.5 + Double(next() >> 11) / Double(1 << 53))
    }

    package mutating func chance(permille: Int64) -> Bool { number(in: 0...999) < permille }

    package mutating func element<Element>(of choices: [Element]) -> Element {
        choices[Int(number(in: 0...Int64(choices.count - 1)))]
    }
}
