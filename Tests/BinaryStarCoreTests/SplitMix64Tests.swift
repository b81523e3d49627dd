import BinaryStarCore
import Testing

/// The generator gives the published sequence, so that a seed means the same everywhere.
@Test func generatorGivesThePublishedSequence() {
    var random = SplitMix64(seed: 1_234_567)
    #expect(random.next() == 6_457_827_717_110_365_317)
    #expect(random.next() == 3_203_168_211_198_807_973)
}
