import BinaryStar
import BinaryStarCore
import SystemPackage
import Testing

@testable import bstar

@Suite struct LifelineTests {
    @Test("A lease that was over counts as lost, though it was renewed meanwhile")
    func aLapseIsRemembered() async throws {
        let (lifeline, input) = try Lifeline.make(grace: .seconds(1))
        defer {
            lifeline.close()
            try? input.close()
        }
        #expect(!lifeline.isLeaseOver)
        lifeline.renew(until: .now + .seconds(60))
        #expect(!lifeline.isLeaseOver)
        lifeline.renew(until: .now + .seconds(70))
        #expect(!lifeline.isLeaseOver)

        let (other, end) = try Lifeline.make(grace: .seconds(1))
        defer {
            other.close()
            try? end.close()
        }
        other.renew(until: .now)
        other.renew(until: .now + .seconds(60))
        #expect(other.isLeaseOver)
        other.renew(until: .now + .seconds(70))
        #expect(other.isLeaseOver)
        #expect(!other.isOverdue)
    }
}
