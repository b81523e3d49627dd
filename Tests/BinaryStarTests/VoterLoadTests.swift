import BinaryStarCore
import Foundation
import Testing
import ZeroMQ

@testable import BinaryStar

/// Voters under more load than they can take.
@Suite(.timeLimit(.minutes(3))) struct VoterLoadTests {
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
                ? try await star.addVoter(.router, bind: folder.ipc("voter"), inline: { $0.body })
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
                ? try await star.addVoter(.router, bind: folder.ipc("voter"), limits: limits, inline: handler)
                : try await star.addVoter(.router, bind: folder.ipc("voter"), limits: limits) { handler($0) }
            let deaf = try RawSocket(.dealer, connect: endpoint, reads: false) { try $0.set(.receiveHighWaterMark, 1) }
            for _ in 0..<500 { deaf.send("", "large") }
            try await eventually("drops") { await star.statistics.repliesDropped[.clientNotReading, default: 0] > 100 }
            let client = try RawClient(endpoint)
            for number in 0..<200 { #expect(try await client.request("\(number)") == "\(number)") }
            #expect(await star.statistics.repliesDropped.keys.map(\.self) == [.clientNotReading])
        }
    }

    /// In a process of its own, because the handlers keep every thread of Swift's pool.
    @Test("A handler that blocks a thread for seconds does not delay a heartbeat")
    func blockingHandlers() async {
        await #expect(processExitsWith: .success) {
            let interval = Duration.milliseconds(250)
            let endpoints = PairEndpoints()
            let star = try endpoints.star(.primary, timing: HeartbeatTiming(interval: interval, timeout: .seconds(1)))
            let endpoint = try await star.addVoter(.router, bind: endpoints.folder.ipc("voter")) { request in
                Self.blockThread(seconds: 3)
                return request.body
            }
            let peer = try endpoints.peer(of: .primary)
            peer.beat(.backup)
            let arrivals = peer.subscriber.arrivals
            try await running(star) {
                try await star.becomes(.active)
                try await peer.hears(.active)
                let client = try RawSocket(.dealer, connect: endpoint)
                let start = ContinuousClock.now
                let count = ProcessInfo.processInfo.activeProcessorCount * 2
                for _ in 0..<count { client.send("", "block") }
                for _ in 0..<count { _ = try await client.next(within: .seconds(60)) }
                let end = ContinuousClock.now
                try #require(end - start >= .seconds(3))
                var last = start
                var longest = Duration.zero
                var beats = 0
                for await arrival in arrivals {
                    if arrival.instant > end { break }
                    guard arrival.instant > start else { continue }
                    longest = max(longest, arrival.instant - last)
                    last = arrival.instant
                    beats += 1
                }
                try #require(beats >= 10)
                try #require(longest < interval * 2, "the longest gap was \(longest)")
            }
        }
    }

    private static func blockThread(seconds: UInt32) {
        // What a careless handler does.
        Thread.sleep(forTimeInterval: Double(seconds))
    }

    /// A client that floods one voter with requests that are dropped must not keep the pump from its heartbeats.
    @Test(.timeLimit(.minutes(1)))
    func floodOfDroppedRequestsDoesNotStopHeartbeats() async throws {
        let timing = HeartbeatTiming(interval: .milliseconds(100), timeout: .seconds(2))
        try await withActiveStar(timing: timing) { star, peer in
            let endpoint = try await star.addVoter(
                .router, bind: folder.ipc("voter"), limits: VoterLimits(maximumFrameCount: 2), inline: { $0.body })
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
