import BinaryStarCore
import Testing

/// The finite-state machine against a table that is written down here a second time, by hand.
@Suite struct StateMachineTests {
    /// Columns: the peer's role, and a request while the peer is alive and after it has expired. `-` is nothing, `>` a
    /// change of role, `+` the request is served.
    static let expected = """
                 primary   backup    active        passive        alive    expired
        primary  -         >active   >passive      -              refuse   >active+
        backup   -         -         >passive      -              refuse   refuse
        active   -         -         dual-active   -              +        +
        passive  >active   >active   -             dual-passive   refuse   >active+
        """

    struct Triple: Sendable, CustomTestStringConvertible {
        var role: Role
        var event: Event
        var isExpired: Bool

        var testDescription: String { "\(role), \(event), peer \(isExpired ? "expired" : "alive")" }

        static let all: [Triple] = Role.allCases.flatMap { role in
            (Role.allCases.map(Event.peer) + [.clientRequest]).flatMap { event in
                [false, true].map { Triple(role: role, event: event, isExpired: $0) }
            }
        }

        /// The cell of the table that speaks of this triple.
        var expectedCell: String {
            let rows = expected.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
            let column =
                switch event {
                case .peer(let peer): "\(peer)"
                case .clientRequest: isExpired ? "expired" : "alive"
                }
            let row = rows.dropFirst().first { $0[0] == "\(role)" } ?? []
            let index = rows[0].firstIndex(of: column) ?? 0
            return row[index + 1]
        }
    }

    /// What the machine did, in the table's signs.
    private func cell(_ outcome: StateMachine.Outcome) -> String {
        switch outcome {
        case .none: "-"
        case .become(let role): ">\(role)"
        case .admit: "+"
        case .becomeActiveAndAdmit: ">active+"
        case .refuse: "refuse"
        case .conflict(.dualActive): "dual-active"
        case .conflict(.dualPassive): "dual-passive"
        }
    }

    @Test func theTableHasEveryTriple() {
        #expect(Triple.all.count == 4 * 5 * 2)
        #expect(Triple.all.allSatisfy { !$0.expectedCell.isEmpty })
    }

    @Test(arguments: Triple.all)
    func outcome(_ triple: Triple) {
        let outcome = StateMachine.outcome(of: triple.event, in: triple.role, peerExpired: triple.isExpired)
        #expect(cell(outcome) == triple.expectedCell)
    }

    // MARK: The sentences of the table, one by one

    private func outcome(of event: Event, in role: Role, expired: Bool = false) -> StateMachine.Outcome {
        StateMachine.outcome(of: event, in: role, peerExpired: expired)
    }

    @Test("primary, peer backup: → active")
    func primaryMeetsBackup() {
        #expect(outcome(of: .peer(.backup), in: .primary) == .become(.active))
    }

    @Test("primary, peer active: → passive")
    func primaryMeetsActive() {
        #expect(outcome(of: .peer(.active), in: .primary) == .become(.passive))
    }

    @Test("primary, client request, peer expired: → active, admit")
    func primaryIsVotedIn() {
        #expect(outcome(of: .clientRequest, in: .primary, expired: true) == .becomeActiveAndAdmit)
    }

    @Test("primary, client request, else refuse")
    func primaryRefusesWhileThePeerMayLive() {
        #expect(outcome(of: .clientRequest, in: .primary) == .refuse)
    }

    @Test("backup, peer active: → passive")
    func backupMeetsActive() {
        #expect(outcome(of: .peer(.active), in: .backup) == .become(.passive))
    }

    @Test("backup, client request: refuse, also when the peer expired", arguments: [false, true])
    func backupNeverBeginsAlone(expired: Bool) {
        #expect(outcome(of: .clientRequest, in: .backup, expired: expired) == .refuse)
    }

    @Test("active, peer active: conflict")
    func dualActive() {
        #expect(outcome(of: .peer(.active), in: .active) == .conflict(.dualActive))
    }

    @Test("active, client request: admit", arguments: [false, true])
    func activeServes(expired: Bool) {
        #expect(outcome(of: .clientRequest, in: .active, expired: expired) == .admit)
    }

    @Test("passive, peer primary or backup: → active", arguments: [Role.primary, .backup])
    func passiveSeesThePeerRestart(peer: Role) {
        #expect(outcome(of: .peer(peer), in: .passive) == .become(.active))
    }

    @Test("passive, peer passive: conflict")
    func dualPassive() {
        #expect(outcome(of: .peer(.passive), in: .passive) == .conflict(.dualPassive))
    }

    @Test("passive, client request, peer expired: → active, admit")
    func passiveIsVotedIn() {
        #expect(outcome(of: .clientRequest, in: .passive, expired: true) == .becomeActiveAndAdmit)
    }

    @Test("passive, client request, else refuse")
    func passiveRefusesWhileThePeerMayLive() {
        #expect(outcome(of: .clientRequest, in: .passive) == .refuse)
    }

    @Test("A silent peer alone never causes a failover", arguments: Role.allCases, Role.allCases)
    func expiryDecidesAboutRequestsOnly(role: Role, peer: Role) {
        #expect(outcome(of: .peer(peer), in: role, expired: true) == outcome(of: .peer(peer), in: role, expired: false))
    }

    @Test("Serving: the only way out is to stop", arguments: Triple.all.filter { $0.role == .active })
    func activeStaysActive(_ triple: Triple) {
        switch outcome(of: triple.event, in: .active, expired: triple.isExpired) {
        case .none, .admit, .conflict: break
        case .become, .becomeActiveAndAdmit, .refuse: Issue.record("an active server left its role")
        }
    }

    @Test func wordsAndNumbersAreTheWires() {
        #expect(Role.allCases.map(\.rawValue) == [1, 2, 3, 4])
        #expect(Role.allCases.map(\.description) == ["primary", "backup", "active", "passive"])
        #expect(Seat.primary.initialRole == .primary)
        #expect(Seat.backup.initialRole == .backup)
        #expect("\(Event.peer(.active)), \(Event.clientRequest)" == "peer active, client request")
        #expect("\(Conflict.dualActive), \(Conflict.dualPassive)" == "dual active, dual passive")
    }
}
