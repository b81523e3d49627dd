import Testing

@testable import BinaryStarCore

/// A vote that arrives before the expiry is kept until it is decided.
@Suite struct HeldRequestsTests {
    @Test("peer gone → promoted and served: failover ends at the instant of expiry")
    func peerGone() {
        var server = Server(.backup)
        server.tick(at: .at(0))
        server.hear(.extended(.active, seat: .primary, sequence: 1), at: .at(0))
        server.run(until: .at(37))
        server.hear(.extended(.active, seat: .primary, sequence: 2), at: .at(37))
        server.run(until: .at(50))
        #expect(server.request(at: .at(50)) == .hold)
        server.run(until: .at(336))
        #expect(server.member.role == .passive)
        // Between two heartbeats.
        server.run(until: .at(337))
        #expect(server.transitions.last?.instant == .at(337))
        #expect(server.transitions.last?.cause == .clientRequest)
        #expect(server.heldRequests == [.serve])
    }

    @Test(
        "A change says whose vote it was: that of a client, if one of those that waited was",
        arguments: [
            ([true], Cause.automaticVote), ([true, true], .automaticVote), ([true, false], .clientRequest),
            ([false, true], .clientRequest),
        ])
    func whoseVote(_ areAutomatic: [Bool], _ cause: Cause) {
        var server = Server(.backup)
        server.hear(.extended(.active, seat: .primary, sequence: 1), at: .at(0))
        // Of votes that were refused nothing is left.
        #expect(server.request(at: .at(10)) == .hold)
        server.hear(.extended(.active, seat: .primary, sequence: 2), at: .at(20))
        #expect(server.heldRequests == [.refuse])
        for isAutomatic in areAutomatic { #expect(server.request(at: .at(50), isAutomatic: isAutomatic) == .hold) }
        server.run(until: .at(400))
        #expect(server.transitions.last?.to == .active && server.transitions.last?.cause == cause)
    }

    @Test("A vote that finds the peer gone says whose it was too")
    func whoseDecidingVote() {
        var server = Server(.backup)
        server.hear(.extended(.active, seat: .primary, sequence: 1), at: .at(0))
        server.run(until: .at(400))
        #expect(server.request(at: .at(401), isAutomatic: true).isAdmission)
        #expect(server.transitions.last?.cause == .automaticVote)
    }

    @Test("peer heard → refused")
    func peerHeard() {
        var pair = Pair.met()
        #expect(pair.request(.backup) == .hold)
        pair.run(for: 110)
        #expect(pair[.backup].heldRequests == [.refuse])
        #expect(pair.roles == [.active, .passive])
    }

    @Test("A client that knows refusals waits only if the peer is overdue or its link broken")
    func clientOfOurs() {
        var server = Server(.backup)
        server.hear(.extended(.active, seat: .primary, sequence: 1), at: .at(0))
        server.run(until: .at(125))
        #expect(server.request(at: .at(125), knowsRefusals: true) == .refuse)
        #expect(server.request(at: .at(126), knowsRefusals: true) == .hold)
        server.hear(.extended(.active, seat: .primary, sequence: 2), at: .at(130))
        #expect(server.heldRequests == [.refuse])
        #expect(server.request(at: .at(130), knowsRefusals: true) == .refuse)
        server.member.peerLinkBroke(at: .at(131))
        #expect(server.request(at: .at(131), knowsRefusals: true) == .hold)
    }

    @Test("The active that drains holds, and the peer that took over makes it refuse")
    func drain() throws {
        var pair = Pair.met()
        pair[.primary].member.isDraining = true
        #expect(pair.request(.primary) == .hold)
        let now = pair.now
        let mayReply = pair[.primary].member.mayReply(at: now)
        #expect(mayReply)
        pair.run(for: 200)
        #expect(pair[.primary].heldRequests.isEmpty)
        _ = try pair.stepDown(.primary).get()
        #expect(pair.request(.primary) == .hold)
        pair.run(for: 3)
        #expect(pair[.primary].heldRequests == [.refuse])
        #expect(pair.request(.backup) == .admit)
    }

    @Test("A drain that is given up serves what it held")
    func drainGivenUp() {
        var pair = Pair.met()
        pair[.primary].member.isDraining = true
        #expect(pair.request(.primary) == .hold)
        pair[.primary].member.isDraining = false
        pair.run(for: 101)
        #expect(pair[.primary].heldRequests == [.serve])
    }

    @Test("A server that may not take over holds nothing")
    func pausedAndUnhealthy() {
        for change: (inout PairMember) -> Void in [{ $0.isPaused = true }, { $0.isHealthy = false }] {
            var pair = Pair.met()
            change(&pair[.backup].member)
            #expect(pair.request(.backup) == .refuse)
        }
        var waiting = Server(.backup)
        #expect(waiting.request(at: .at(1)) == .refuse)
    }

    // MARK: Terms that clients have seen

    @Test("No client can keep a server from serving with a term that nobody mints", arguments: [1 << 62, 1 << 62 - 1])
    func impossibleTerms(term: UInt64) {
        var pair = Pair.met()
        for _ in 0..<20 {
            let now = pair.now
            _ = pair[.primary].request(at: now, clientTerm: term)
            pair.run(for: 5)
        }
        let now = pair.now
        #expect(pair[.primary].request(at: now, clientTerm: term) == .admit)
        #expect(pair[.primary].transitions.count <= 2)
        #expect(pair[.primary].member.term < Term.maximum)
    }
}
