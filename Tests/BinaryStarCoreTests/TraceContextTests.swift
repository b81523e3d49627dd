import BinaryStarCore
import TestSupport
import Testing

@Suite struct TraceContextTests {
    private func decode(_ bytes: [UInt8]) -> TraceContext? { TraceContext(bytes.span) }

    private let fields = ["traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "tracestate": ""]

    @Test func comesBackAsItWas() {
        let context = TraceContext(fields)
        #expect(context?.fields == fields)
        #expect(decode(context?.encoded ?? []) == context)
    }

    @Test func nothingIsNoContext() {
        #expect(TraceContext([:]) == nil)
        #expect(TraceContext(["": "x"]) == nil)
    }

    @Test("A long field is left out, and costs none of the others")
    func bounded() {
        let long = String(repeating: "ä", count: 600)
        let context = TraceContext(fields.merging(["baggage": long, "a": "b"]) { $1 })
        #expect(context?.fields == fields.merging(["a": "b"]) { $1 })
        let many = TraceContext(Dictionary(uniqueKeysWithValues: (0..<400).map { ("\($0)", "") }))
        #expect((many?.encoded.count ?? 0) <= TraceContext.maximumLength)
        #expect(decode(many?.encoded ?? []) == many)
    }

    @Test("Bytes that are none, cut off, too long or of another version")
    func malformed() {
        let bytes = TraceContext(fields)?.encoded ?? []
        for length in 0..<bytes.count { #expect(decode(Array(bytes[..<length])) == nil) }
        #expect(decode(bytes + [0]) == nil)
        #expect(decode(bytes + [UInt8](repeating: 0, count: TraceContext.maximumLength)) == nil)
        for index in 0..<6 {
            var other = bytes
            other[index] ^= 0x80
            #expect(decode(other) == nil, "\(index)")
        }
        // A name twice, a name without bytes, and what is no UTF-8.
        #expect(decode(Array("BSTC".utf8) + [1, 2, 1, 0, 0, 97, 1, 0, 0, 97]) == nil)
        #expect(decode(Array("BSTC".utf8) + [1, 1, 0, 0, 0]) == nil)
        #expect(decode(Array("BSTC".utf8) + [1, 1, 1, 0, 1, 97, 0xFF]) == nil)
        #expect(decode(Array("BSTC".utf8) + [1, 0]) == nil)
    }

    @Test func randomBytesNeverTrap() {
        var generator = SeededGenerator(seed: .fromEnvironmentOrRandom())
        let original = TraceContext(fields)?.encoded ?? []
        for _ in 0..<20_000 {
            var bytes = original
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                bytes[.random(in: 4..<bytes.count, using: &generator)] = .random(in: 0...255, using: &generator)
            }
            guard let context = decode(bytes) else { continue }
            #expect(decode(context.encoded) == context)
        }
    }
}
