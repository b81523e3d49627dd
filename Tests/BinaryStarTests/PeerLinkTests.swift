import BinaryStarCore
import TestSupport
import Testing
import ZeroMQ

@testable import BinaryStar

/// How the peer is heard: over several links, and again after a link has failed.
@Suite(.serialized, .timeLimit(.minutes(2))) struct PeerLinkTests {
    private let endpoints = PairEndpoints()

    private func configuration(_ seat: Seat, timing: HeartbeatTiming = .quick) -> BinaryStarConfiguration {
        var configuration = endpoints.configuration(seat, timing: timing)
        configuration.furtherListen = [endpoints.folder.ipc("second-\(seat)")]
        configuration.furtherConnect = [endpoints.folder.ipc("second-\(seat.other)")]
        return configuration
    }

    private func publisher(_ endpoint: String, _ role: Role) throws -> RawSocket {
        let publisher = try RawSocket(.pub, bind: endpoint)
        publisher.beat(Message("\(role.rawValue)"))
        return publisher
    }

    @Test("libzmq does not reconnect after a protocol error; the star makes a deaf link anew")
    func deafLinkIsMadeAnew() async throws {
        let star = try endpoints.star(.backup)
        // A SUB cannot talk to a DEALER: the handshake fails, and that is the last that its connection tries.
        let wrong = try RawSocket(.dealer, bind: endpoints.primary)
        try await running(star) {
            try await Task.sleep(for: HeartbeatTiming.quick.timeout)
            await wrong.close()
            let right = try publisher(endpoints.primary, .active)
            try await star.becomes(.passive)
            await right.close()
        }
    }

    @Test("The newest heartbeat over any link counts: the failure of one causes no failover")
    func failureOfOneLink() async throws {
        let configuration = configuration(.backup)
        let star = try BinaryStar(configuration: configuration)
        let voter = try await star.addVoter(.router, bind: endpoints.folder.ipc("voter")) { $0.body }
        let first = try publisher(configuration.connect, .active)
        let second = try publisher(configuration.furtherConnect[0], .active)
        try await running(star) {
            try await star.becomes(.passive)
            try await eventually("both links") { await star.status.links.allSatisfy { !$0.isBroken } }
            await first.close()
            try await eventually("the broken link") { await star.status.links.map(\.isBroken) == [true, false] }
            // Votes for three timeouts.
            let client = try RawClient(voter)
            client.socket.beat(Message(frames: ["", "vote"].map(\.utf8)), every: 20)
            try await eventually("refusals") { await star.statistics.requestsRefused >= 60 }
            #expect(await star.role == .passive)
            // The second one fails too.
            await second.close()
            try await star.becomes(.active)
            await client.socket.close()
        }
    }

    @Test("A link that comes back is heard again")
    func linkComesBack() async throws {
        let configuration = configuration(.backup)
        let star = try BinaryStar(configuration: configuration)
        let first = try publisher(configuration.connect, .active)
        let second = try publisher(configuration.furtherConnect[0], .active)
        try await running(star) {
            try await eventually("both links") { await star.status.links.map(\.isBroken) == [false, false] }
            await second.close()
            let wrong = try RawSocket(.dealer, bind: configuration.furtherConnect[0])
            try await eventually("the broken link") { await star.status.links.map(\.isBroken) == [false, true] }
            try await Task.sleep(for: HeartbeatTiming.quick.timeout)
            await wrong.close()
            let third = try publisher(configuration.furtherConnect[0], .active)
            try await eventually("both links again") { await star.status.links.map(\.isBroken) == [false, false] }
            await first.close()
            await third.close()
        }
    }

    @Test("Whoever begins to listen is told the role at once, and not only at the next beat")
    func newSubscriber() async throws {
        let star = try endpoints.star(.primary, timing: HeartbeatTiming(interval: .seconds(60), timeout: .seconds(600)))
        try await running(star) {
            for _ in 0..<3 {
                let subscriber = try RawSocket(.sub, connect: endpoints.primary)
                #expect(try await subscriber.next().text == "1")
                await subscriber.close()
            }
        }
    }

    @Test("Two servers of ours over two links: each heartbeat counts once, and death is proven at all endpoints")
    func pairOverTwoLinks() async throws {
        let primary = try BinaryStar(configuration: configuration(.primary, timing: .patient))
        let backup = try BinaryStar(configuration: configuration(.backup, timing: .patient))
        let voter = try await backup.addVoter(.router, bind: endpoints.folder.ipc("voter")) { $0.body }
        try await running(backup) {
            let run = Task { try await primary.run() }
            try await primary.becomes(.active)
            try await backup.becomes(.passive)
            try await eventually("both links") { await backup.status.links.allSatisfy { !$0.isBroken } }
            #expect(await backup.statistics.heartbeatsRejected.isEmpty)
            run.cancel()
            try await run.value
            #expect(try await RawClient(voter).request("vote") == "vote")
            #expect(await backup.lastChange?.cause == .clientRequestAfterPeerDeath)
        }
    }

    @Test func endpointsThatAreThereTwice() {
        var configuration = configuration(.primary)
        configuration.furtherConnect = [configuration.connect]
        #expect(throws: BinaryStarError.self) { try configuration.validate() }
        configuration = self.configuration(.primary)
        configuration.furtherListen = [configuration.furtherConnect[0]]
        #expect(throws: BinaryStarError.self) { try configuration.validate() }
    }
}
