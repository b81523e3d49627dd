import BinaryStarCore
import TestSupport
import Testing

@Suite struct HeartbeatExtensionTests {
    private let sample = HeartbeatExtension(
        pairName: "blue", seat: .backup, incarnation: 0x0102_0304_0506_0708, sequence: 9, term: 11,
        timing: .standard, echo: .init(incarnation: 13, sequence: 14, age: .microseconds(15)),
        flags: [.probe, .unhealthy])

    private func decode(_ second: [UInt8]) -> Result<Heartbeat, HeartbeatRejection> {
        decodeFrames([Array("3".utf8), second])
    }

    @Test func roundTrip() {
        let heartbeat = Heartbeat(role: .active, extension: sample)
        #expect(heartbeat.frames.count == 2)
        #expect(decodeFrames(heartbeat.frames) == .success(heartbeat))
        var bare = sample
        bare.echo = nil
        bare.pairName = String(repeating: "é", count: 127)
        bare.flags = []
        #expect(decode(bare.encoded) == .success(Heartbeat(role: .active, extension: bare)))
    }

    @Test("Layout, integers in network byte order")
    func layout() {
        let bytes = sample.encoded
        #expect(bytes.count == 76)
        #expect(bytes.prefix(7) == [0x42, 0x53, 0x54, 0x52, 1, 5, 2])
        #expect(bytes[7..<15] == [1, 2, 3, 4, 5, 6, 7, 8])
        #expect(bytes[15..<23] == [0, 0, 0, 0, 0, 0, 0, 9])
        #expect(bytes[31..<39] == [0, 0, 0, 0, 0x0E, 0xE6, 0xB2, 0x80])
        #expect(Array(bytes[71...]) == [4] + Array("blue".utf8))
    }

    @Test func everyOtherLengthIsMalformed() {
        let bytes = sample.encoded
        for length in 4..<bytes.count {
            #expect(decode(Array(bytes.prefix(length))) == .failure(.malformedExtension), "\(length) bytes")
        }
        #expect(decode(bytes + [0]) == .failure(.malformedExtension))
    }

    @Test func otherVersionsAreUnknown() {
        for version in UInt8.min...UInt8.max where version != 1 {
            var bytes = sample.encoded
            bytes[4] = version
            #expect(decode(bytes) == .failure(.unknownVersion))
        }
    }

    @Test(
        "A value out of range",
        arguments: [
            (6, [0]), (6, [3]), (7, [0, 0, 0, 0, 0, 0, 0, 0]), (15, [0, 0, 0, 0, 0, 0, 0, 0]),
            (23, [0x80, 0, 0, 0, 0, 0, 0, 0]), (31, [0, 0, 0, 0, 0, 0, 0, 0]), (31, [0xFF]), (39, [0xFF]),
            (39, [0, 0, 0, 0, 0, 0, 0, 1]), (63, [0xFF]), (72, [0xFF]),
        ] as [(Int, [UInt8])])
    func outOfRange(offset: Int, value: [UInt8]) {
        var bytes = sample.encoded
        bytes.replaceSubrange(offset..<offset + value.count, with: value)
        #expect(decode(bytes) == .failure(.malformedExtension))
    }

    @Test("The longest name of a pair, in bytes of UTF-8", arguments: [0, 1, 254, 255])
    func names(length: Int) {
        var news = sample
        news.pairName = String(repeating: "n", count: length)
        #expect(news.encoded.count == 72 + length)
        #expect(decode(news.encoded) == .success(Heartbeat(role: .active, extension: news)))
    }

    @Test("A larger one on the wire is no term")
    func terms() {
        var news = sample
        news.term = Term.maximum
        #expect(decode(news.encoded) == .success(Heartbeat(role: .active, extension: news)))
        news.term += 1
        #expect(decode(news.encoded) == .failure(.malformedExtension))
    }

    @Test(
        "The longest time that either may be: one day. The timeout is at least two intervals",
        arguments: [
            (1, 2, true), (1, 1, false), (43_200_000, 86_400_000, true), (1, 86_400_000, true), (1, 86_400_001, false),
            (50_000_000, 86_400_000, false),
        ] as [(Int64, Int64, Bool)])
    func times(interval: Int64, timeout: Int64, counts: Bool) {
        var news = sample
        news.timing = HeartbeatTiming(interval: .milliseconds(interval), timeout: .milliseconds(timeout))
        let expected = Heartbeat(role: .active, extension: news)
        #expect(decode(news.encoded) == (counts ? .success(expected) : .failure(.malformedExtension)))
    }

    @Test("Its first byte can begin no number")
    func firstByte() {
        #expect(Int(String(decoding: sample.encoded.prefix(1), as: UTF8.self)) == nil)
        #expect(!"0123456789+- \t\n\u{B}\u{C}\r".utf8.contains(sample.encoded[0]))
    }

    @Test func randomBytesNeverTrap() {
        var generator = SeededGenerator(seed: .fromEnvironmentOrRandom())
        for _ in 0..<20_000 {
            var bytes = sample.encoded
            for _ in 0..<Int.random(in: 1...6, using: &generator) {
                bytes[Int.random(in: 4..<bytes.count, using: &generator)] = .random(in: 0...255, using: &generator)
            }
            guard case .success(let heartbeat) = decode(bytes), let news = heartbeat.extension else { continue }
            #expect(news.encoded.count == bytes.count)
            var server = Server(.primary)
            server.hear(heartbeat, at: .at(1))
            server.run(until: .at(10))
        }
    }
}
