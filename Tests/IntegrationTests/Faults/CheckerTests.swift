import BinaryStarCore
import Testing

/// Records made by hand: the checker accepts what is right, and notices each thing that is wrong.
@Suite struct CheckerTests {
    private static func role(_ seat: Seat, _ role: Role, _ term: UInt64, at instant: Int64, cause: String = "")
        -> Record
    {
        Record(event: .role, seat: seat, term: term, at: instant, role: "\(role)", cause: cause)
    }

    private static func line(
        _ event: Record.Event, _ seat: Seat, _ term: UInt64, at instant: Int64, sent: Int64? = nil
    ) -> Record {
        Record(event: event, seat: seat, term: term, at: instant, client: "c", sent: sent)
    }

    /// The primary serves, hands over, and the backup serves.
    private static let good = [
        role(.primary, .active, 2, at: 10), role(.backup, .passive, 2, at: 20),
        line(.admitted, .primary, 2, at: 30), line(.replied, .primary, 2, at: 31),
        line(.accepted, .primary, 2, at: 32, sent: 29), role(.primary, .primary, 2, at: 40),
        role(.backup, .active, 3, at: 45, cause: "peer primary"), line(.admitted, .backup, 3, at: 50),
        line(.replied, .backup, 3, at: 51), line(.accepted, .backup, 3, at: 52, sent: 49),
        role(.primary, .passive, 3, at: 60, cause: "peer active"),
    ]

    @Test func whatIsRightPasses() throws {
        let checker = Checker(Self.good)
        try checker.checkAll()
        #expect(try checker.checkConflictHealed() == nil)
        #expect(checker.longestGap == 20)
        #expect(checker.gapOfTheTakeover == 20)
        #expect(checker.longestRequest == 3)
        #expect(checker.delaysOfThePeer == [5, 15])
        #expect(checker.servers == [.primary, .backup])
    }

    @Test(arguments: [
        // "No server admits a request after the other has become active."
        line(.admitted, .primary, 2, at: 55), line(.replied, .primary, 2, at: 55),
        line(.accepted, .primary, 2, at: 56, sent: 54), line(.answered, .primary, 2, at: 56, sent: 54),
    ])
    func serviceOfASupersededServerIsNoticed(_ record: Record) throws {
        #expect(throws: Checker.Violation.self) { try Checker(Self.good + [record]).checkOneActive() }
        // What lies in a partition is none.
        try Checker(Self.good + [record], cut: 50...60).checkOneActive()
    }

    @Test func lateReceiptOfAnEarlierReplyIsNoViolation() throws {
        try Checker(Self.good + [Self.line(.answered, .primary, 2, at: 48, sent: 39)]).checkOneActive()
    }

    @Test(arguments: [UInt64(3), 1]) func termsThatDoNotGrowAreNoticed(_ term: UInt64) {
        let records = Self.good + [Self.role(.primary, .active, term, at: 70)]
        #expect(throws: Checker.Violation.self) { try Checker(records).checkTermsOfActivations() }
    }

    @Test(arguments: [
        line(.admitted, .primary, 2, at: 42), line(.admitted, .backup, 2, at: 47), line(.admitted, .backup, 2, at: 25),
        line(.accepted, .backup, 5, at: 55),
    ])
    func serviceInATermThatIsNotTheServersIsNoticed(_ record: Record) {
        #expect(throws: Checker.Violation.self) { try Checker(Self.good + [record]).checkTermsOfAdmissions() }
    }

    @Test func aClientThatGoesBackIsNoticed() {
        let records = Self.good + [Self.line(.accepted, .primary, 2, at: 53, sent: 35)]
        #expect(throws: Checker.Violation.self) { try Checker(records).checkClientsNeverGoBack() }
    }

    /// Both active: the backup in the higher term.
    private static let conflict = [
        role(.primary, .active, 2, at: 10), role(.backup, .passive, 2, at: 20), role(.backup, .active, 3, at: 30),
    ]

    @Test func aConflictThatHealsPasses() throws {
        let records = Self.conflict + [Self.role(.primary, .passive, 3, at: 40)]
        #expect(try Checker(records).checkConflictHealed() == 30...40)
    }

    @Test(arguments: [
        [], [role(.backup, .passive, 3, at: 40)], [role(.primary, .primary, 3, at: 40)],
        [Record(event: .started, seat: .primary, at: 40)],
    ])
    func aConflictThatEndsInAnotherWayIsNoticed(_ rest: [Record]) {
        #expect(throws: Checker.Violation.self) { try Checker(Self.conflict + rest).checkConflictHealed() }
    }
}
