import Testing

@testable import BinaryStarCore

/// An unhealthy active hands over, an unhealthy passive does not take over; and a pair with one server that can serve serves.
@Suite struct HealthTests {
    @Test func activeDoesNotHandOverToAnUnhealthyPeer() {
        var pair = Pair.met()
        pair[.backup].member.isHealthy = false
        pair.run(for: 200)
        #expect(pair.stepDown(.primary) == .failure(.peerUnhealthy))
        #expect(pair.roles == [.active, .passive])
    }

    @Test("A restarted server becomes active if the passive one cannot", arguments: Seat.allCases)
    func restartBesideAnUnhealthyPassive(seat: Seat) {
        var pair = Pair.met()
        if seat == .backup {
            _ = pair.stepDown(.primary)
            pair.run(for: 200)
            #expect(pair.roles == [.passive, .active])
        }
        pair[seat.other].member.isHealthy = false
        pair.run(for: 200)
        pair.restart(seat)
        pair.run(for: 1_000) { pair in for seat in Seat.allCases { pair.request(seat) } }
        #expect(pair[seat].member.role == .active)
        #expect(pair[seat.other].member.role == .passive)
        #expect(pair.lateAdmissions.isEmpty)
    }

    @Test("If the peer falls ill while it is to take over, the service comes back", arguments: Seat.allCases)
    func handoverToAPeerThatFallsIll(seat: Seat) throws {
        var pair = Pair.met()
        if seat == .backup {
            _ = pair.stepDown(.primary)
            pair.run(for: 200)
        }
        pair[seat.other].member.isHealthy = false
        _ = try pair.stepDown(seat).get()
        #expect(pair.request(seat) == .hold)
        pair.run(for: 500)
        #expect(pair[seat].member.role == .active)
        #expect(pair[seat].member.isHandingOver == false)
        #expect(pair.request(seat) == .admit)
    }

    @Test("A waiting primary that cannot serve does not keep a backup waiting that can")
    func unhealthyPrimaryAtStart() {
        var pair = Pair()
        pair[.primary].member.isHealthy = false
        pair.run(for: 1_000)
        #expect(pair.roles == [.passive, .active])
        #expect(pair[.primary].transitions.count <= 4)
        #expect(pair.request(.backup) == .admit)
        // No automatic failback.
        pair[.primary].member.isHealthy = true
        pair.run(for: 1_000)
        #expect(pair.roles == [.passive, .active])
    }

    @Test(
        "While a primary falls ill and recovers at any moment of the start, no two servers are active",
        arguments: 0..<40)
    func illnessDuringTheStart(step: Int) {
        var pair = Pair()
        pair[.primary].member.isHealthy = false
        pair.run(for: 5 * step) { pair in for seat in Seat.allCases { pair.request(seat) } }
        pair[.primary].member.isHealthy = true
        pair.run(for: 1_000) { pair in for seat in Seat.allCases { pair.request(seat) } }
        #expect(pair.roles.sorted { $0.rawValue < $1.rawValue } == [.active, .passive])
        #expect(pair.lateAdmissions.isEmpty)
    }

    @Test func twoUnhealthyServersDoNotChangeRolesForEver() {
        var pair = Pair.met()
        for seat in Seat.allCases { pair[seat].member.isHealthy = false }
        pair.restart(.primary)
        pair[.primary].member.isHealthy = false
        pair.run(for: 2_000) { pair in for seat in Seat.allCases { pair.request(seat) } }
        #expect(pair[.primary].transitions.count <= 2 && pair[.backup].transitions.count <= 3)
        pair[.primary].member.isHealthy = true
        pair.run(for: 1_000)
        #expect(pair[.primary].member.role == .active)
    }
}
