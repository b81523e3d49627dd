import BinaryStarCore
import Foundation

/// Random numbers that a seed repeats (SplitMix64).
package struct SeededGenerator: RandomNumberGenerator {
    private var random: SplitMix64

    package init(seed: UInt64) {
        print("seed \(seed); repeat with TEST_SEED=\(seed)")
        random = SplitMix64(seed: seed)
    }

    package mutating func next() -> UInt64 { random.next() }
}

extension UInt64 {
    /// The seed in `TEST_SEED`, or a new one.
    package static func fromEnvironmentOrRandom() -> UInt64 {
        ProcessInfo.processInfo.environment["TEST_SEED"].flatMap { UInt64($0) } ?? .random(in: 0...(.max))
    }
}
