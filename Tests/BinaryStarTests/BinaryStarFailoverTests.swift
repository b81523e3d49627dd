import BinaryStarCore
import TestSupport
import Testing
import ZeroMQ

@testable import BinaryStar

/// The table at work: two stars, or a star and a peer that speaks the zguide's wire.
@Suite(.serialized, .timeLimit(.minutes(2))) struct BinaryStarFailoverTests {
    let endpoints = PairEndpoints()

    @Test func twoStarsFindEachOther() async throws {
        let primary = try endpoints.star(.primary)
        let backup = try endpoints.star(.backup)
        try await running(primary, backup) {
            try await primary.becomes(.active)
            try await backup.becomes(.passive)
            #expect(await primary.role == .active)
            #expect(await backup.role == .passive)
        }
    }

    @Test func primaryFallsBackupIsVotedInAndPrimaryComesBackPassive() async throws {
        let voter = endpoints.folder.ipc("backup-voter")
        let backup = try endpoints.star(.backup)
        try await backup.addVoter(.router, bind: voter) { $0.body }
        let endpoints = endpoints
        try await running(backup) {
            let primary = try endpoints.star(.primary)
            try await running(primary) {
                try await primary.becomes(.active)
                try await backup.becomes(.passive)
            }
            let client = try RawClient(voter)
            try await client.requestUntilServed("vote")
            #expect(await backup.role == .active)
            let returned = try endpoints.star(.primary)
            try await running(returned) {
                try await returned.becomes(.passive)
                // No automatic failback. By another client: the first one may get late replies to its votes.
                #expect(try await RawClient(voter).request("next") == "next")
                let heard = await returned.statistics.heartbeatsReceived
                try await eventually("heartbeats") { await returned.statistics.heartbeatsReceived > heard + 10 }
                #expect(await returned.role == .passive)
                #expect(await backup.role == .active)
            }
        }
    }

    @Test func backupFallsAndPrimaryServesOn() async throws {
        let voter = endpoints.folder.ipc("voter")
        let primary = try endpoints.star(.primary)
        try await primary.addVoter(.router, bind: voter) { $0.body }
        let endpoints = endpoints
        try await running(primary) {
            let client = try RawClient(voter)
            for _ in 0..<2 {
                let backup = try endpoints.star(.backup)
                try await running(backup) {
                    try await backup.becomes(.passive)
                    #expect(try await client.request("hello") == "hello")
                }
                #expect(try await client.request("alone") == "alone")
            }
        }
    }

    // MARK: With a classic peer

    @Test("A silent peer alone never causes a failover; a vote after the expiry does")
    func failoverNeedsAVote() async throws {
        let star = try endpoints.star(.backup)
        let voter = try await star.addVoter(.router, bind: endpoints.folder.ipc("voter")) { $0.body }
        let peer = try endpoints.peer(of: .backup)
        peer.beat(.active)
        try await running(star) {
            try await star.becomes(.passive)
            peer.fallSilent()
            // Ten timeouts pass, as its own heartbeats tell.
            let sent = await star.statistics.heartbeatsSent
            try await eventually("time") { await star.statistics.heartbeatsSent > sent + 10 * 20 }
            #expect(await star.role == .passive)
            let client = try RawClient(voter)
            #expect(try await client.request("vote") == "vote")
            #expect(await star.role == .active)
            try await peer.hears(.active)
            #expect(await star.statistics.requestsRefused == 0)
        }
    }

    @Test("A request before the expiry is refused and counted")
    func requestsAreRefusedWhileThePeerMayLive() async throws {
        let star = try endpoints.star(.backup)
        let voter = try await star.addVoter(.router, bind: endpoints.folder.ipc("voter")) { request in
            Issue.record("a refused request was handled")
            return request.body
        }
        let peer = try endpoints.peer(of: .backup)
        peer.beat(.active)
        try await running(star) {
            try await star.becomes(.passive)
            let client = try RawClient(voter)
            for _ in 0..<100 { client.socket.send("", "refuse me") }
            try await eventually("refusals") { await star.statistics.requestsRefused == 100 }
            #expect(await star.statistics.requestsAdmitted == 0)
            #expect(await star.role == .passive)
        }
    }

    @Test("At start the peer counts as alive for one timeout")
    func primaryBeginsAloneOnAVoteAfterOneTimeout() async throws {
        let star = try endpoints.star(.primary)
        let voter = try await star.addVoter(.router, bind: endpoints.folder.ipc("voter")) { $0.body }
        let events = star.events
        let start = ContinuousClock.now
        try await running(star) {
            let client = try RawClient(voter)
            try await client.requestUntilServed("vote")
            let change = try await withTimeout { await events.first { _ in true } }
            #expect(change?.cause == .clientRequest)
            #expect(change.map { $0.instant - start >= HeartbeatTiming.quick.timeout } == true)
            // The vote that came too early waited for the expiry.
            #expect(await star.statistics.requestsHeld > 0)
            #expect(await star.statistics.requestsRefused == 0)
        }
    }

    @Test func backupNeverBeginsAlone() async throws {
        let star = try endpoints.star(.backup)
        let voter = try await star.addVoter(.router, bind: endpoints.folder.ipc("voter")) { $0.body }
        let peer = try endpoints.peer(of: .backup)
        try await running(star) {
            let client = try RawClient(voter)
            client.socket.beat(Message(frames: ["", "vote"].map(\.utf8)))
            let sent = await star.statistics.heartbeatsSent
            try await eventually("two timeouts") { await star.statistics.heartbeatsSent > sent + 2 * 20 }
            try await eventually("refusals") { await star.statistics.requestsRefused > 10 }
            #expect(await star.role == .backup)
            #expect(await star.statistics.requestsAdmitted == 0)
            try await peer.hears(.backup)
        }
    }

    /// What a star becomes when the classic peer says `peer`, for the changes of the table.
    @Test(
        arguments: [
            (.primary, [.backup], .active), (.primary, [.active], .passive), (.backup, [.active], .passive),
            (.primary, [.active, .primary], .active), (.backup, [.active, .primary], .active),
            (.backup, [.active, .backup], .active),
        ] as [(Seat, [Role], Role)])
    func changesByThePeer(seat: Seat, peerSays: [Role], expected: Role) async throws {
        let star = try endpoints.star(seat)
        let peer = try endpoints.peer(of: seat)
        try await running(star) {
            for role in peerSays {
                let events = star.events
                peer.beat(role)
                let change = try await withTimeout { await events.first { _ in true } }
                #expect(change?.cause == .peer(role))
            }
            #expect(await star.role == expected)
            try await peer.hears(expected)
        }
    }

    @Test(arguments: Seat.allCases)
    func dualActiveWithAClassicPeerEndsTheRun(seat: Seat) async throws {
        let star = try endpoints.star(seat)
        let peer = try endpoints.peer(of: seat)
        if seat == .backup {
            peer.beat(.active)
        } else {
            peer.beat(.backup)
        }
        let roles = star.roles
        let error = await #expect(throws: BinaryStarError.self) {
            try await running(star) {
                try await star.becomes(seat == .primary ? .active : .passive)
                if seat == .backup {
                    peer.beat(.backup)
                    try await star.becomes(.active)
                }
                peer.beat(.active)
                for await _ in roles {}
            }
        }
        #expect(error?.code == .conflict)
        #expect(error?.conflict == .dualActive)
        #expect(error?.message.hasPrefix("dual active: ") == true)
    }

    @Test(arguments: Seat.allCases)
    func dualPassiveWithAClassicPeerEndsTheRun(seat: Seat) async throws {
        let star = try endpoints.star(seat)
        let peer = try endpoints.peer(of: seat)
        peer.beat(.active)
        let roles = star.roles
        let error = await #expect(throws: BinaryStarError.self) {
            try await running(star) {
                try await star.becomes(.passive)
                peer.beat(.passive)
                for await _ in roles {}
            }
        }
        #expect(error?.code == .conflict)
        #expect(error?.conflict == .dualPassive)
    }

    @Test func heartbeatIsOneFrameOneDigitAtTheInterval() async throws {
        let timing = HeartbeatTiming(interval: .milliseconds(50), timeout: .seconds(1))
        var configuration = endpoints.configuration(.primary, timing: timing)
        configuration.wire = .classic
        let star = try BinaryStar(configuration: configuration)
        let peer = try endpoints.peer(of: .primary)
        try await running(star) {
            let arrivals = peer.subscriber.arrivals
            let instants = try await withTimeout {
                var instants: [ContinuousClock.Instant] = []
                for await arrival in arrivals {
                    #expect(arrival.message.map(\.bytes) == [[UInt8(ascii: "1")]])
                    instants.append(arrival.instant)
                    if instants.count == 41 { break }
                }
                return instants
            }
            let mean = (instants[40] - instants[0]) / 40
            #expect(mean > .milliseconds(45) && mean < .milliseconds(60))
        }
    }
}
