import BinaryStarCore
import TestSupport
import Testing

@Suite struct RequestHeaderTests {
    private func decode(_ bytes: [UInt8]) -> RequestHeader? { RequestHeader(bytes.span) }

    private let header = RequestHeader(
        incarnation: 0x0102_0304_0506_0708, number: 0x1112_1314_1516, term: 0x0021_2223_2425_2627, attempt: 0x31,
        millisecondsLeft: 0x41_4243, flags: .once)

    @Test func layout() {
        let expected: [UInt8] =
            Array("BSTR".utf8) + [1, 1] + [1, 2, 3, 4, 5, 6, 7, 8] + [0x11, 0x12, 0x13, 0x14, 0x15, 0x16]
            + [0, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27] + [0x31] + [0x41, 0x42, 0x43] + [1]
        #expect(header.encoded == expected)
        // What libzmq keeps within its own header of a frame.
        #expect(header.encoded.count == 33)
        #expect(RequestHeader.length == 33)
    }

    @Test(arguments: [0, 1, 255, 256, UInt64.max - 1, .max], [0, 1, 1 << 40, RequestHeader.maximumNumber])
    func roundTrip(incarnation: UInt64, number: UInt64) {
        for term in [0, 1, Term.maximum] {
            for left in [nil, 0, 1, RequestHeader.maximumMillisecondsLeft] {
                let header = RequestHeader(
                    incarnation: incarnation, number: number, term: term, attempt: 255, millisecondsLeft: left)
                #expect(decode(header.encoded) == header)
            }
        }
        let beyond = RequestHeader(incarnation: incarnation, number: number, term: Term.maximum + 1)
        #expect(decode(beyond.encoded) == nil)
    }

    @Test func moreTimeThanTheHeaderCanTellIsCutOff() {
        let header = RequestHeader(incarnation: 1, number: 1, millisecondsLeft: .max)
        #expect(decode(header.encoded)?.millisecondsLeft == RequestHeader.maximumMillisecondsLeft)
    }

    @Test("magic, version and kind", arguments: 0..<6)
    func everyByteOfThePrefixCounts(index: Int) {
        for value in UInt8.min...UInt8.max where value != header.encoded[index] {
            var bytes = header.encoded
            bytes[index] = value
            #expect(decode(bytes) == nil)
        }
    }

    @Test(arguments: (0...64).filter { $0 != RequestHeader.length })
    func wrongLength(length: Int) {
        let bytes = header.encoded + [UInt8](repeating: 0, count: 64)
        #expect(decode(Array(bytes.prefix(length))) == nil)
    }

    @Test func randomBytesAreNoHeaderUnlessTheyBeginLikeOne() {
        var generator = SeededGenerator(seed: .fromEnvironmentOrRandom())
        for _ in 0..<20_000 {
            let prefix = Bool.random(using: &generator) ? Array(header.encoded.prefix(6)) : []
            let bytes =
                prefix
                + (0..<Int.random(in: 0...29, using: &generator)).map { _ in
                    UInt8.random(in: 0...255, using: &generator)
                }
            // A term above the largest is none.
            let isHeader =
                bytes.count == RequestHeader.length && bytes.starts(with: header.encoded.prefix(6)) && bytes[20] < 0x40
            let decoded = decode(bytes)
            #expect((decoded != nil) == isHeader)
            if let decoded { #expect(decoded.encoded == bytes) }
        }
    }
}
