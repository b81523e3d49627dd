import BinaryStarCore
import Foundation
import TestSupport
import Testing
import ZeroMQ

@testable import BinaryStar

/// What two servers of ours do beyond the table.
@Suite(.serialized, .timeLimit(.minutes(2))) struct SafetyTests {
    private let endpoints = PairEndpoints()

    private func client() throws -> BinaryStarClient {
        try BinaryStarClient(
            configuration: .init(
                primary: endpoints.folder.ipc("front-primary"), backup: endpoints.folder.ipc("front-backup"),
                requestTimeout: patience, attemptTimeout: .milliseconds(500), settleDelay: .milliseconds(50)))
    }

    /// Runs both servers of a pair with an echo voter each, until `body` is done.
    private func withPair(
        timing: HeartbeatTiming = .patient,
        configure: (inout BinaryStarConfiguration) -> Void = { _ in },
        _ body: @escaping @Sendable (_ primary: BinaryStar, _ backup: BinaryStar) async throws -> Void
    ) async throws {
        let stars = try Seat.allCases.map { seat in
            var configuration = endpoints.configuration(seat, timing: timing)
            configure(&configuration)
            return try BinaryStar(configuration: configuration)
        }
        for star in stars {
            let seat = star.configuration.seat
            try await star.addVoter(.router, bind: endpoints.folder.ipc("front-\(seat)")) { request in
                Message(frames: ["\(seat)", "\(request.term)", request.text ?? ""].map(\.utf8))
            }
        }
        let (primary, backup) = (stars[0], stars[1])
        try await running(primary) {
            try await running(backup) {
                try await primary.becomes(.active)
                try await backup.becomes(.passive)
                try await hears(primary, that: .passive)
                try await body(primary, backup)
            }
        }
    }

    /// A change of role is published at once, and yet takes its time to the other server.
    private func hears(_ star: BinaryStar, that role: Role) async throws {
        try await eventually("the peer as \(role)") { await star.status.peer?.role == role }
    }

    @Test("The active hands over: the peer is active, and no request fails")
    func stepDown() async throws {
        try await withPair { primary, backup in
            let client = try client()
            let first = try await client.request("1")
            #expect(first.server == .primary)
            let changes = backup.events
            try await primary.stepDown()
            #expect(await primary.role == .passive)
            #expect(await backup.role == .active)
            let change = try #require(await changes.first { _ in true })
            #expect(change.cause == .peer(.primary))
            let second = try await client.request("2")
            #expect(second.server == .backup)
            #expect(try #require(second.term) > #require(first.term))
            #expect(second.body[1].text == second.term.map(String.init))
            // And back.
            try await hears(backup, that: .passive)
            try await backup.stepDown()
            #expect(try await client.request("3").server == .primary)
            await client.close()
        }
    }

    @Test("A handover waits for the handlers that run")
    func stepDownDrains() async throws {
        let gate = Gate()
        let started = Gate()
        try await withPair { primary, _ in
            let slow = try await primary.addVoter(.router, bind: endpoints.folder.ipc("slow")) { request in
                started.open()
                await gate.pass()
                return request.body
            }
            let raw = try RawClient(slow)
            raw.socket.send("", "work")
            await started.pass()
            let handover = Task { try await primary.stepDown() }
            // While it drains the star is active still, and a new request waits.
            let sent = await primary.statistics.heartbeatsSent
            try await eventually("heartbeats") { await primary.statistics.heartbeatsSent > sent + 5 }
            #expect(await primary.role == .active)
            gate.open()
            #expect(try await raw.socket.next().last?.text == "work")
            try await handover.value
        }
    }

    @Test func stepDownWithoutAPeerIsRefused() async throws {
        try await withActiveStar { star, peer in
            // It waits for us, and has not said that it is passive.
            await #expect { try await star.stepDown() } throws: { ($0 as? BinaryStarError)?.code == .cannotStepDown }
            peer.beat(.passive)
            try await eventually("passive peer") { await star.member.peer.role == .passive }
            // A classic peer knows the move too.
            let handover = Task { try await star.stepDown() }
            try await peer.hears(.primary)
            peer.beat(.active)
            try await handover.value
            #expect(await star.role == .passive)
        }
    }

    @Test func gracefulShutdownHandsOver() async throws {
        try await withPair { primary, backup in
            let client = try client()
            #expect(try await client.request("1").server == .primary)
            let changes = backup.roles
            await primary.handOverAndEnd()
            _ = await changes.first { $0 == .active }
            #expect(try await client.request("2").server == .backup)
            #expect(await backup.lastChange?.cause == .peer(.primary))
            await client.close()
        }
    }

    @Test("Proof of death: a server whose process is gone is replaced at once")
    func proofOfDeath() async throws {
        let backup = try endpoints.star(.backup, timing: .patient)
        let voter = try await backup.addVoter(.router, bind: endpoints.folder.ipc("front-backup")) { $0.body }
        try await running(backup) {
            let peer = try endpoints.peer(of: .backup)
            peer.beat(.active)
            try await backup.becomes(.passive)
            let start = ContinuousClock.now
            await peer.close()
            // With a classic peer a vote that comes too early is refused, so that it takes several.
            try await RawClient(voter).requestUntilServed("vote")
            #expect(ContinuousClock.now - start < HeartbeatTiming.patient.timeout / 2)
            #expect(await backup.lastChange?.cause == .clientRequestAfterPeerDeath)
        }
    }

    @Test("A passive server refuses a client of ours, which goes to the other one at once")
    func refusal() async throws {
        try await withPair { _, backup in
            let client = try BinaryStarClient(
                configuration: .init(
                    // The wrong way round: the first attempt goes to the passive.
                    primary: endpoints.folder.ipc("front-backup"), backup: endpoints.folder.ipc("front-primary"),
                    attemptTimeout: patience))
            let reply = try await client.request("x")
            #expect(reply.body.first?.text == "primary")
            #expect(await backup.statistics.requestsRefused == 1)
            await client.close()
        }
    }

    @Test("The lease is valid while the star is active, and no longer")
    func lease() async throws {
        try await withPair { primary, backup in
            #expect(primary.lease.isValid)
            #expect(!backup.lease.isValid)
            let term = primary.lease.term
            try await primary.stepDown()
            #expect(!primary.lease.isValid)
            #expect(backup.lease.isValid)
            #expect(backup.lease.term > term)
        }
        let star = try endpoints.star(.primary)
        #expect(!star.lease.isValid)
    }

    @Test("Paused: no client's request makes the passive active")
    func pause() async throws {
        let star = try endpoints.star(.backup)
        let voter = try await star.addVoter(.router, bind: endpoints.folder.ipc("voter")) { $0.body }
        try await running(star) {
            let peer = try endpoints.peer(of: .backup)
            peer.beat(.active)
            try await star.becomes(.passive)
            await star.pause()
            peer.fallSilent()
            try await eventually("expiry") { await star.member.isPeerExpired(at: .now) }
            let raw = try RawClient(voter)
            raw.socket.send("", "vote")
            try await eventually("refusal") { await star.statistics.requestsRefused > 0 }
            #expect(await star.role == .passive)
            await star.resume()
            try await raw.requestUntilServed("vote")
        }
    }

    @Test("What an operator changes is told to the peer at once, not with the next heartbeat")
    func theyAreTold() async throws {
        let star = try endpoints.star(.backup, timing: .init(interval: .seconds(8), timeout: .seconds(30)))
        let peer = try endpoints.peer(of: .backup)
        try await running(star) {
            func hears(_ flags: HeartbeatExtension.Flags, within limit: Duration) async throws {
                try await peer.subscriber.next(within: limit) { message in
                    (try? Heartbeat.decode(message).get().extension?.flags.subtracting(.probe)) == flags
                }
            }
            try await hears([], within: patience)
            await star.pause()
            try await hears(.paused, within: .seconds(2))
            await star.resume()
            try await hears([], within: .seconds(2))
            try await star.drain()
            try await hears(.unhealthy, within: .seconds(2))
        }
        await peer.close()
    }

    @Test("A backup that has never met its primary is promoted by an operator")
    func promote() async throws {
        let star = try endpoints.star(.backup)
        try await running(star) {
            await #expect { try await star.promote() } throws: { ($0 as? BinaryStarError)?.code == .cannotPromote }
            try await eventually("expiry") { await star.member.isPeerExpired(at: .now) }
            try await star.promote()
            #expect(await star.role == .active)
            #expect(await star.lastChange?.cause == .promote)
        }
    }

    @Test func coldStart() async throws {
        var configuration = endpoints.configuration(.backup)
        configuration.coldStart = .after(.milliseconds(500))
        let star = try BinaryStar(configuration: configuration)
        let voter = try await star.addVoter(.router, bind: endpoints.folder.ipc("voter")) { $0.body }
        try await running(star) {
            try await RawClient(voter).requestUntilServed("vote")
            #expect(await star.role == .active)
        }
    }

    @Test("An unhealthy active hands over, and an unhealthy passive does not take over")
    func health() async throws {
        let isHealthy = Box(true)
        let primary = try BinaryStar(configuration: endpoints.configuration(.primary, timing: .patient)) {
            isHealthy.value
        }
        let backup = try endpoints.star(.backup, timing: .patient)
        try await running(primary) {
            try await running(backup) {
                try await primary.becomes(.active)
                try await backup.becomes(.passive)
                let changes = backup.roles
                isHealthy.update { $0 = false }
                _ = await changes.first { $0 == .active }
                try await primary.becomes(.passive)
                try await hears(backup, that: .passive)
                await #expect { try await backup.stepDown() } throws: {
                    "\($0)".contains("cannot serve")
                }
            }
        }
    }

    @Test("Refused: another pair's name, and the same seat; the reason says which field differs")
    func misconfiguration() async throws {
        var configuration = endpoints.configuration(.backup)
        configuration.pairName = "blue"
        let backup = try BinaryStar(configuration: configuration)
        configuration = endpoints.configuration(.primary)
        configuration.pairName = "green"
        let primary = try BinaryStar(configuration: configuration)
        try await running(primary) {
            try await running(backup) {
                try await eventually("rejections") {
                    let (here, there) = await (primary.statistics, backup.statistics)
                    return here.heartbeatsRejected[.otherPair] != nil && there.heartbeatsRejected[.otherPair] != nil
                }
                #expect(await primary.member.peer.lastHeard == nil)
                #expect(await primary.role == .primary)
            }
        }
    }

    @Test("A rolling upgrade from a classic server: the peer's kind is detected, not configured")
    func rollingUpgrade() async throws {
        let primary = try endpoints.star(.primary, timing: .patient)
        try await running(primary) {
            let classic = try endpoints.peer(of: .primary)
            classic.beat(.backup)
            try await primary.becomes(.active)
            classic.beat(.passive)
            try await eventually("a classic peer") { await primary.member.peer.kind == .classic }
            // It gets the role alone.
            _ = try await classic.subscriber.next { $0.count == 1 && $0.first?.text == "3" }
            await classic.close()
            let backup = try endpoints.star(.backup, timing: .patient)
            try await running(backup) {
                try await backup.becomes(.passive)
                try await eventually("a peer of ours") { await primary.member.peer.kind == .extended }
                try await hears(primary, that: .passive)
                try await primary.stepDown()
                #expect(await backup.role == .active)
            }
        }
    }

    @Test("The status tells of both servers, and survives JSON")
    func status() async throws {
        try await withPair { primary, backup in
            let client = try client()
            _ = try await client.request("x")
            await client.close()
            try await eventually("a round trip") { await primary.status.peer?.roundTrip != nil }
            let status = await primary.status
            #expect(status.seat == .primary && status.role == .active && status.isServing)
            #expect(status.lastChange?.cause == .peer(.backup))
            #expect(status.requests.admitted == 1 && status.requests.repliesSent == 1)
            let peer = try #require(status.peer)
            #expect(peer.kind == "extended" && peer.role == .passive && !peer.isExpired)
            #expect(peer.term == status.term)
            #expect(await peer.incarnation == backup.status.incarnation)
            #expect(try #require(peer.roundTrip) < 1)
            let copy = try JSONDecoder().decode(BinaryStar.Status.self, from: JSONEncoder().encode(status))
            #expect(copy == status)
            #expect(await backup.status.peer?.role == .active)
        }
        let never = try await endpoints.star(.backup).status
        #expect(never.peer == nil && never.lastChange == nil && !never.isServing)
    }
}
