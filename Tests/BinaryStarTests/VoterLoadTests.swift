import BinaryStarCore
import Foundation
import TestSupport
import Testing
import ZeroMQ

@testable import BinaryStar

/// Voters under more load than they can take.
@Suite(.serialized, .timeLimit(.minutes(3))) struct VoterLoadTests {
    let folder = TemporaryFolder()

    @Test("Never more handlers at a time than the limit, and further requests are served later", arguments: [1, 4, 64])
    func concurrencyLimit(limit: Int) async throws {
        try await withActiveStar { star, _ in
            let running = Box((now: 0, most: 0))
            let gates = (0..<limit).map { _ in Gate() }
            let endpoint = try await star.addVoter(
                .router, bind: folder.ipc("voter"), limits: VoterLimits(concurrency: limit)
            ) { request in
                let number = running.update {
                    $0.now += 1
                    $0.most = max($0.most, $0.now)
                    return $0.now
                }
                if request.text == "block" { await gates[number - 1].pass() }
                await Task.yield()
                running.update { $0.now -= 1 }
                return request.body
            }
            let client = try RawClient(endpoint)
            for _ in 0..<limit { client.socket.send("", "block") }
            try await eventually("blocked handlers") { running.value.now == limit }
            for number in 0..<500 { client.socket.send("", "\(number)") }
            // Not even read: the star counts them when it takes them.
            let sent = await star.statistics.heartbeatsSent
            try await eventually("time") { await star.statistics.heartbeatsSent > sent + 10 }
            #expect(await star.statistics.requestsAdmitted == limit)
            #expect(running.value.now == limit)
            for gate in gates { gate.open() }
            var replies: [String: Int] = [:]
            for _ in 0..<limit + 500 { replies[try await client.socket.next().last?.text ?? "", default: 0] += 1 }
            #expect(replies.count == 501)
            #expect(replies["block"] == limit)
            #expect(running.value.most <= limit)
        }
    }

    @Test("One blocked voter does not hold up another one")
    func votersAreIndependent() async throws {
        try await withActiveStar { star, _ in
            let gate = Gate()
            let started = Gate()
            let blocked = try await star.addVoter(
                .router, bind: folder.ipc("blocked"), limits: VoterLimits(concurrency: 1)
            ) { request in
                started.open()
                await gate.pass()
                return request.body
            }
            let free = try await star.addVoter(.router, bind: folder.ipc("free")) { $0.body }
            let waiting = try RawClient(blocked)
            waiting.socket.send("", "wait")
            await started.pass()
            let client = try RawClient(free)
            for number in 0..<100 { #expect(try await client.request("\(number)") == "\(number)") }
            gate.open()
            #expect(try await waiting.socket.next().last?.text == "wait")
        }
    }

    @Test("A client with 10,000 requests outstanding gets 10,000 replies", arguments: [true, false])
    func tenThousandOutstanding(inline: Bool) async throws {
        try await withActiveStar { star, _ in
            let endpoint =
                inline
                ? try await star.addInlineVoter(.router, bind: folder.ipc("voter"), handler: { $0.body })
                : try await star.addVoter(.router, bind: folder.ipc("voter")) { $0.body }
            let client = try RawSocket(.dealer, connect: endpoint, reads: false) {
                try $0.set(.receiveHighWaterMark, 0)
            }
            for number in 0..<10_000 { client.send("", "\(number)") }
            // Not one reply is read before all requests are with the star.
            try await eventually("requests") { await star.statistics.repliesSent == 10_000 }
            client.setReads(true)
            var replies: Set<String> = []
            for _ in 0..<10_000 { replies.insert(try await client.next().last?.text ?? "") }
            #expect(replies.count == 10_000)
            #expect(await star.statistics.repliesDropped.isEmpty)
        }
    }

    @Test("A client that never reads is counted, and hurts no other client", arguments: [true, false])
    func clientThatNeverReads(inline: Bool) async throws {
        try await withActiveStar { star, _ in
            let limits = VoterLimits(replyQueue: 10)
            let reply = Message([UInt8](repeating: 0, count: 100_000))
            let handler: @Sendable (Request) -> Message? = { $0.text == "large" ? reply : $0.body }
            let endpoint =
                inline
                ? try await star.addInlineVoter(.router, bind: folder.ipc("voter"), limits: limits, handler: handler)
                : try await star.addVoter(.router, bind: folder.ipc("voter"), limits: limits) { handler($0) }
            let deaf = try RawSocket(.dealer, connect: endpoint, reads: false) { try $0.set(.receiveHighWaterMark, 1) }
            for _ in 0..<500 { deaf.send("", "large") }
            try await eventually("drops") { await star.statistics.repliesDropped[.clientNotReading, default: 0] > 100 }
            let client = try RawClient(endpoint)
            for number in 0..<200 { #expect(try await client.request("\(number)") == "\(number)") }
            #expect(await star.statistics.repliesDropped.keys.map(\.self) == [.clientNotReading])
        }
    }

    /// A client that floods one voter with requests that are dropped must not keep the pump from its heartbeats.
    @Test(.timeLimit(.minutes(1)))
    func floodOfDroppedRequestsDoesNotStopHeartbeats() async throws {
        let timing = HeartbeatTiming(interval: .milliseconds(100), timeout: .seconds(2))
        try await withActiveStar(timing: timing) { star, peer in
            let endpoint = try await star.addInlineVoter(
                .router, bind: folder.ipc("voter"), limits: VoterLimits(maximumFrameCount: 2), handler: { $0.body })
            let flooders = try (0..<3).map { _ in try RawSocket(.dealer, connect: endpoint) }
            let junk = Message(frames: ["", "a", "b"].map(\.utf8))
            let start = ContinuousClock.now
            for flooder in flooders { for _ in 0..<100_000 { flooder.send(junk) } }
            try await eventually("drops") {
                await star.statistics.requestsDropped[.tooManyFrames, default: 0] == 300_000
            }
            let end = ContinuousClock.now
            var last = start
            var longest = Duration.zero
            for await arrival in peer.subscriber.arrivals {
                if arrival.instant > start {
                    longest = max(longest, arrival.instant - last)
                    last = arrival.instant
                }
                if arrival.instant > end { break }
            }
            #expect(longest < timing.timeout / 2, "the longest gap was \(longest) of \(end - start)")
        }
    }
}
