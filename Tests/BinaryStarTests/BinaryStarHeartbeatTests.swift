import BinaryStarCore
import TestSupport
import Testing
import ZeroMQ

@testable import BinaryStar

/// What comes over the peer link and is no heartbeat: dropped, counted, and no sign of life.
@Suite(.serialized, .timeLimit(.minutes(2))) struct BinaryStarHeartbeatTests {
    let endpoints = PairEndpoints()

    struct BadHeartbeat: Sendable, CustomTestStringConvertible {
        var name: String
        var message: Message
        var reason: HeartbeatRejection
        var testDescription: String { name }

        init(_ name: String, _ frames: [[UInt8]], _ reason: HeartbeatRejection) {
            self.name = name
            message = Message(frames: frames)
            self.reason = reason
        }

        init(_ text: String, _ reason: HeartbeatRejection) {
            self.init("\"\(text)\"", [Array(text.utf8)], reason)
        }

        static let three = Array("3".utf8)

        static let all = [
            BadHeartbeat("", .empty), BadHeartbeat("0", .notARole), BadHeartbeat("9", .notARole),
            BadHeartbeat("abc", .notARole), BadHeartbeat("3x", .notARole),
            BadHeartbeat("binary", [[0xFF, 0, 3, 0xFE]], .notARole),
            BadHeartbeat("1 MB", [[UInt8](repeating: 0x33, count: 1 << 20)], .notARole),
            BadHeartbeat("1,000 frames", [[UInt8]](repeating: three, count: 1_000), .tooManyFrames),
            BadHeartbeat("3 frames", [three, Array("x".utf8), []], .tooManyFrames),
            BadHeartbeat("3 and 4", [three, Array("4".utf8)], .extensionIsNumeric),
            BadHeartbeat("3 and a long extension", [three, [UInt8](repeating: 0x78, count: 1_025)], .extensionTooLong),
        ]
    }

    @Test(arguments: BadHeartbeat.all)
    func isDroppedAndCounted(_ bad: BadHeartbeat) async throws {
        let star = try endpoints.star(.backup)
        let peer = try endpoints.peer(of: .backup)
        try await running(star) {
            peer.publisher.beat(bad.message, every: 5)
            try await eventually("rejections") { await star.statistics.heartbeatsRejected[bad.reason, default: 0] >= 5 }
            let statistics = await star.statistics
            #expect(statistics.heartbeatsReceived == 0)
            #expect(Set(statistics.heartbeatsRejected.keys) == [bad.reason])
            #expect(await star.role == .backup)
            // Good ones are heard after bad ones.
            peer.beat(.active)
            try await star.becomes(.passive)
        }
    }

    @Test("It never renews the expiry", arguments: BadHeartbeat.all)
    func doesNotRenewTheExpiry(_ bad: BadHeartbeat) async throws {
        let star = try endpoints.star(.backup)
        let voter = try await star.addVoter(.router, bind: endpoints.folder.ipc("voter")) { $0.body }
        let peer = try endpoints.peer(of: .backup)
        let events = star.events
        peer.beat(.active)
        try await running(star) {
            try await star.becomes(.passive)
            // Much more often than once a timeout, for as long as it takes.
            peer.publisher.beat(bad.message, every: 10)
            try await RawClient(voter).requestUntilServed("vote")
            #expect(await star.role == .active)
            #expect(await star.statistics.heartbeatsRejected[bad.reason, default: 0] > 0)
        }
        let changes = await Array(all: events)
        #expect(changes.last?.cause == .clientRequest)
    }

    @Test("`3` with one further frame that is no number is a good heartbeat, from a newer peer")
    func extensionIsIgnored() async throws {
        let star = try endpoints.star(.backup)
        let peer = try endpoints.peer(of: .backup)
        try await running(star) {
            peer.publisher.beat(Message(frames: ["3", "BSTAR\u{1}"].map(\.utf8)))
            try await star.becomes(.passive)
            #expect(await star.statistics.heartbeatsRejected.isEmpty)
        }
    }

    @Test func frameAboveTheLimitCostsTheConnectionWhichIsMadeAnew() async throws {
        let star = try endpoints.star(.backup)
        let peer = try endpoints.peer(of: .backup)
        try await running(star) {
            peer.beat(.active)
            try await star.becomes(.passive)
            peer.publisher.send(Message([UInt8](repeating: 0, count: 17 << 20)))
            let heard = await star.statistics.heartbeatsReceived
            try await eventually("heartbeats") { await star.statistics.heartbeatsReceived > heard + 20 }
            #expect(await star.role == .passive)
        }
    }

    @Test func randomGarbageChangesNothing() async throws {
        let star = try endpoints.star(.backup)
        let peer = try endpoints.peer(of: .backup)
        let seed = UInt64.random(in: 0...(.max))
        print("seed \(seed)")
        var generator = Xorshift(state: seed | 1)
        let messages = (0..<2_000).map { _ in
            Message(
                frames: (0..<Int.random(in: 1...6, using: &generator)).map { _ in
                    // No byte is a digit.
                    (0..<Int.random(in: 0...40, using: &generator)).map { _ in
                        UInt8.random(in: 0x3A...0xFF, using: &generator)
                    }
                })
        }
        try await running(star) {
            peer.publisher.beat("garbage", every: 5)
            try await eventually("connection") { await !star.statistics.heartbeatsRejected.isEmpty }
            let before = await star.statistics.heartbeatsRejected.values.reduce(0, +)
            for message in messages { peer.publisher.send(message) }
            try await eventually("rejections") {
                await star.statistics.heartbeatsRejected.values.reduce(0, +) > before + 100
            }
            #expect(await star.statistics.heartbeatsReceived == 0)
            peer.beat(.active)
            try await star.becomes(.passive)
        }
    }

    private struct Xorshift: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return state
        }
    }

    /// A peer that sends as fast as it can must not keep the star from its own heartbeats and from its clients.
    @Test func floodOfBadHeartbeatsDelaysNothing() async throws {
        let timing = HeartbeatTiming(interval: .milliseconds(100), timeout: .seconds(2))
        let star = try endpoints.star(.primary, timing: timing)
        let voter = try await star.addVoter(.router, bind: endpoints.folder.ipc("voter")) { $0.body }
        let peer = try endpoints.peer(of: .primary)
        peer.beat(.backup)
        try await running(star) {
            try await star.becomes(.active)
            let client = try RawClient(voter)
            let flood: Message = "flood"
            for _ in 0..<100_000 { peer.publisher.send(flood) }
            for number in 0..<50 { #expect(try await client.request("\(number)") == "\(number)") }
            #expect(await star.role == .active)
        }
    }
}
