import BinaryStarCore
import Testing

@Suite struct TermTests {
    @Test("A drain goes on when the term is raised in the middle of it")
    func drainThroughAHigherTerm() {
        var pair = Pair.met()
        pair[.primary].member.isDraining = true
        let term = pair[.primary].member.term
        // A client that has seen a higher term makes the active prove itself, and mint a term above.
        _ = pair[.primary].member.requestArrived(at: pair.now, knowsRefusals: true, clientTerm: term + 100)
        pair.run(for: 300)
        #expect(pair[.primary].member.term > term + 100)
        #expect(pair[.primary].member.role == .active && pair[.primary].member.isDraining)
        #expect(pair.request(.primary) == .hold)
    }

    @Test("Even for the primary seat and odd for the backup, above every term known")
    func next() {
        for known in 0...50 as ClosedRange<UInt64> {
            for seat in Seat.allCases {
                let term = Term.next(above: known, for: seat)
                #expect(term > known && term <= known + 2)
                #expect(term % 2 == (seat == .primary ? 0 : 1))
            }
        }
    }

    @Test("No floor leads to a term that the peer rejects", arguments: [0, 1, Term.maximumFloor, Term.maximum, .max])
    func floors(floor: UInt64) throws {
        var server = Server(.backup, termFloor: floor)
        server.run(until: .at(300))
        let reaction = try server.member.promote(at: .at(300)).get()
        #expect(reaction.transition?.term == server.member.term)
        #expect(server.member.term > min(floor, Term.maximumFloor) && server.member.term < Term.maximum)
    }

    @Test("On activation: above every term known (own, peer's, clients'), also when the peer's word makes it active")
    func aboveEveryTermKnown() {
        var server = Server(.backup, termFloor: 20)
        server.hear(.extended(.active, seat: .primary, sequence: 1, term: 100), at: .at(0))
        server.tick(at: .at(0))
        #expect(server.member.term == 100)
        // The peer's next life knows more.
        server.hear(
            .extended(.primary, seat: .primary, incarnation: 78, sequence: 1, term: 200, echo: server.echo()),
            at: .at(1))
        #expect(server.member.role == .active && server.member.term == 201)
        #expect(server.transitions.count == 2)
    }

    @Test func clientsKnowTermsToo() {
        var server = Server(.primary, termFloor: 20)
        server.run(until: .at(300))
        let action = server.request(at: .at(300), clientTerm: 301)
        #expect(action.isAdmission)
        #expect(server.member.term == 302)
    }

    @Test("The primary waits without a term, and its floor is told to nobody")
    func floorIsPrivate() {
        var server = Server(.primary, termFloor: 1_000)
        server.tick(at: .at(0))
        #expect(server.outbox.last?.extension?.term == 0)
    }
}
