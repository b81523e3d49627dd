import BinaryStarCore
import Testing

@testable import BinaryStar

struct ByteQueueTests {
    /// Lengths around those of a piece too.
    @Test(arguments: 1...10 as ClosedRange<UInt64>)
    func agreesWithAnArray(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var queue = ByteQueue()
        var model: [UInt8] = []
        for step in 0..<2_000 {
            if random.next() % 100 < (step / 200 % 2 == 0 ? 60 : 40) {
                let length = [0, 1, 20, 1_000, 4_095, 4_096, 4_097, 10_000][Int(random.next() % 8)]
                let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ step) }
                bytes.withUnsafeBytes { queue.append($0) }
                model += bytes
            } else {
                let some = Int(random.next() % UInt64(min(model.count, 9_000) + 1))
                queue.removeFirst(some)
                model.removeFirst(some)
            }
            #expect(queue.count == model.count)
            let lower = Int(random.next() % UInt64(model.count + 1))
            let upper = lower + Int(random.next() % UInt64(min(model.count - lower, 9_000) + 1))
            #expect(queue.bytes(queue.start + lower..<queue.start + upper) == Array(model[lower..<upper]))
        }
    }
}
