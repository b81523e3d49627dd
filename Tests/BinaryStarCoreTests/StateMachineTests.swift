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
        var machine = StateMachine(role: triple.role)
        let outcome = machine.apply(triple.event, peerExpired: triple.isExpired)
        #expect(cell(outcome) == triple.expectedCell)
        switch outcome {
        case .become(let role): #expect(machine.role == role)
        case .becomeActiveAndAdmit: #expect(machine.role == .active)
        case .none, .admit, .refuse, .conflict: #expect(machine.role == triple.role)
        }
    }

    // MARK: The sentences of the table, one by one

    struct Result: Equatable {
        var outcome: StateMachine.Outcome
        var role: Role
    }

    private func apply(_ event: Event, to role: Role, expired: Bool = false) -> Result {
        var machine = StateMachine(role: role)
        let outcome = machine.apply(event, peerExpired: expired)
        return Result(outcome: outcome, role: machine.role)
    }

    @Test("primary, peer backup: → active")
    func primaryMeetsBackup() {
        #expect(apply(.peer(.backup), to: .primary) == Result(outcome: .become(.active), role: .active))
    }

    @Test("primary, peer active: → passive")
    func primaryMeetsActive() {
        #expect(apply(.peer(.active), to: .primary) == Result(outcome: .become(.passive), role: .passive))
    }

    @Test("primary, client request, peer expired: → active, admit")
    func primaryIsVotedIn() {
        #expect(
            apply(.clientRequest, to: .primary, expired: true) == Result(outcome: .becomeActiveAndAdmit, role: .active))
    }

    @Test("primary, client request, else refuse")
    func primaryRefusesWhileThePeerMayLive() {
        #expect(apply(.clientRequest, to: .primary) == Result(outcome: .refuse, role: .primary))
    }

    @Test("backup, peer active: → passive")
    func backupMeetsActive() {
        #expect(apply(.peer(.active), to: .backup) == Result(outcome: .become(.passive), role: .passive))
    }

    @Test("backup, client request: refuse, also when the peer expired", arguments: [false, true])
    func backupNeverBeginsAlone(expired: Bool) {
        #expect(apply(.clientRequest, to: .backup, expired: expired) == Result(outcome: .refuse, role: .backup))
    }

    @Test("active, peer active: conflict")
    func dualActive() {
        #expect(apply(.peer(.active), to: .active) == Result(outcome: .conflict(.dualActive), role: .active))
    }

    @Test("active, client request: admit", arguments: [false, true])
    func activeServes(expired: Bool) {
        #expect(apply(.clientRequest, to: .active, expired: expired) == Result(outcome: .admit, role: .active))
    }

    @Test("passive, peer primary or backup: → active", arguments: [Role.primary, .backup])
    func passiveSeesThePeerRestart(peer: Role) {
        #expect(apply(.peer(peer), to: .passive) == Result(outcome: .become(.active), role: .active))
    }

    @Test("passive, peer passive: conflict")
    func dualPassive() {
        #expect(apply(.peer(.passive), to: .passive) == Result(outcome: .conflict(.dualPassive), role: .passive))
    }

    @Test("passive, client request, peer expired: → active, admit")
    func passiveIsVotedIn() {
        #expect(
            apply(.clientRequest, to: .passive, expired: true) == Result(outcome: .becomeActiveAndAdmit, role: .active))
    }

    @Test("passive, client request, else refuse")
    func passiveRefusesWhileThePeerMayLive() {
        #expect(apply(.clientRequest, to: .passive) == Result(outcome: .refuse, role: .passive))
    }

    @Test("A silent peer alone never causes a failover", arguments: Role.allCases, Role.allCases)
    func expiryDecidesAboutRequestsOnly(role: Role, peer: Role) {
        #expect(apply(.peer(peer), to: role, expired: true) == apply(.peer(peer), to: role, expired: false))
    }

    @Test("Serving: the only way out is to stop", arguments: Triple.all.filter { $0.role == .active })
    func activeStaysActive(_ triple: Triple) {
        #expect(apply(triple.event, to: .active, expired: triple.isExpired).role == .active)
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
