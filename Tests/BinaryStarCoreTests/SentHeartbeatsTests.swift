import Testing

@testable import BinaryStarCore

@Suite struct SentHeartbeatsTests {
    @Test func nothingWasSentBeforeTheFirst() {
        let sent = SentHeartbeats()
        for sequence in [0, 1, 2, .max] as [UInt64] { #expect(sent.time(of: sequence) == nil) }
    }

    @Test func eachIsFoundUntilItIsForgotten() {
        var sent = SentHeartbeats()
        let kept = 256
        for count in 1...1_000 {
            let sequence = sent.record(at: .at(Int64(count)))
            #expect(sequence == UInt64(count) && sent.newest == sequence)
            #expect(sent.time(of: sequence) == .at(Int64(count)))
            let oldest = max(1, count - kept + 1)
            #expect(sent.time(of: UInt64(oldest)) == .at(Int64(oldest)))
            #expect(sent.time(of: UInt64(oldest - 1)) == nil)
            // What the network may say.
            #expect(sent.time(of: sequence + 1) == nil)
            #expect(sent.time(of: .max) == nil)
            #expect(sent.time(of: 0) == nil)
        }
    }
}
