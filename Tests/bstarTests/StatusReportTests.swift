import BinaryStar
import BinaryStarCore
import Testing

@testable import bstar

@Suite struct StatusReportTests {
    private func text(_ view: PairView) -> String { StatusReport(view: view).lines.joined(separator: "\n") }

    @Test func bothServersStandSideBySideIn80Columns() throws {
        let view = try pair(status(.primary, .active, peer: .passive), status(.backup, .passive, peer: .active))
        let lines = StatusReport(view: view).lines
        #expect(lines.allSatisfy { $0.count <= 80 }, "\(lines.filter { $0.count > 80 })")
        #expect(lines[0] == "orders: the primary serves, in term 1795624989228; the backup would take over")
        #expect(
            lines.contains {
                $0.hasPrefix("role          active for 1 h 2 min") && $0.contains("  passive for 1 h 2 min")
            })
        #expect(text(view).contains("1,234,567 admitted") && text(view).contains("1 d 2 h, version"))
        #expect(!text(view).contains("!"))
        #expect(view.condition == .oneServes)
    }

    @Test func aServerThatCannotBeAskedIsShownAsItsPeerHearsIt() throws {
        let heard = text(try pair(status(.primary, .active, peer: .passive), failures: 1))
        #expect(heard.contains("backup, as heard by the primary") && heard.contains("! nobody listens at"))
        let gone = try pair(status(.backup, .passive, peer: .active, peerIsExpired: true))
        #expect(gone.condition == .nobodyServes)
        #expect(text(gone).contains("NOBODY SERVES") && text(gone).contains("GONE; said last: active"))
        let alone = text(try pair(status(.primary, .active)))
        #expect(alone.contains("the backup was NEVER HEARD") && alone.contains("bstar check helps"))
    }

    @Test func whatIsWrongIsOnTheFirstLine() throws {
        let both = try pair(
            status(.primary, .active, peer: .passive), status(.backup, .active, term: 1_795_624_989_231, peer: .passive)
        )
        #expect(both.condition == .bothServe && text(both).contains("BOTH SERVERS SERVE"))
        #expect(text(both).contains("do not hear each other"))
        let drained = try pair(
            status(.primary, .active, peer: .passive), status(.backup, .passive, peer: .active, isDrained: true))
        #expect(StatusReport(view: drained).headline.contains("the backup is drained and would NOT take over"))
        let paused = try pair(
            status(.primary, .passive, peer: .active, peerIsExpired: true, isPaused: true), failures: 1)
        #expect(text(paused).contains("NOBODY SERVES, and a server is paused or drained"))
        let unable = try pair(
            status(.primary, .passive, peer: .active, peerIsExpired: true, isHealthy: false), failures: 1)
        #expect(text(unable).contains("NOBODY SERVES, and the primary says that it cannot"))
        let stalled = try pair(status(.primary, .active, isServing: false, peer: .passive, isSuspect: true))
        #expect(text(stalled).contains("a server has stalled"))
        let nobody = try pair(failures: 2)
        #expect(nobody.condition == .unknown && StatusReport(view: nobody).lines.count == 2)
    }

    @Test("That nobody serves is not said of a server that hands over, nor for sure of one that is not heard")
    func whatIsNotKnown() throws {
        func headline(_ servers: BinaryStar.Status...) -> String {
            StatusReport(view: PairView(servers.map { ServerView(control: "here", answer: .success($0)) })).headline
        }
        let drains = try status(.primary, .active, isServing: false, peer: .passive, isDraining: true)
        #expect(headline(drains).contains("the primary HANDS OVER"))
        #expect(try headline(drains, status(.backup, .passive, peer: .active)).contains("the primary HANDS OVER"))
        let cutOff = try status(.backup, .passive, peer: .active, peerIsExpired: true)
        #expect(headline(cutOff).contains("known here: the primary is GONE or cut off; a client's request makes"))
        #expect(try headline(status(.primary, .primary)).contains("the backup was NEVER HEARD; a client's request"))
        #expect(try headline(status(.backup, .backup)).contains("a backup that never met it does not serve"))
        #expect(try headline(status(.primary, .primary, peer: .primary)).contains(": it takes a client's request"))
    }

    @Test func aServerThatCannotServeIsToldOf() throws {
        let serving = try pair(
            status(.primary, .passive, peer: .active, isHealthy: false), status(.backup, .active, isHealthy: false))
        let words = text(serving).split { $0 == " " || $0 == "\n" }.joined(separator: " ")
        #expect(words.contains("! the primary says that it CANNOT SERVE"))
        #expect(words.contains("! the backup serves though it says that it CANNOT"))
        let drained = try pair(status(.primary, .passive, peer: .active, isDrained: true), failures: 1)
        #expect(!text(drained).contains("says that it CANNOT"))
    }

    @Test func aPauseIsSeenFromTheOtherMachine() throws {
        let heard = try pair(status(.primary, .active, peer: .passive, peerIsPaused: true), failures: 1)
        #expect(StatusReport(view: heard).headline.contains("the backup is paused and would NOT take over"))
        #expect(text(heard).contains("passive, PAUSED") && text(heard).contains("! the backup is paused: no failover"))
        // Where it can be asked it is told once.
        let both = try pair(
            status(.primary, .active, peer: .passive, peerIsPaused: true),
            status(.backup, .passive, peer: .active, isPaused: true))
        #expect(StatusReport(view: both).warnings.count { $0.contains("is paused") } == 1)
    }

    @Test func rejectionsAreExplained() throws {
        for reason in HeartbeatRejection.allCases {
            let view = try pair(status(.primary, .primary, rejected: [reason.rawValue: 3]))
            #expect(text(view).contains("has refused 3 heartbeats: the"))
        }
        #expect(text(try pair(status(.primary, .primary, rejected: ["newReason": 1]))).contains("newReason"))
    }

    @Test("Times that differ are told, once")
    func timesThatDifferAreTold() throws {
        let alone = try PairView([
            ServerView(control: "here", answer: .success(status(.primary, .active, peer: .passive, peerTimeout: 3)))
        ])
        let words = text(alone).split { $0 == " " || $0 == "\n" }.joined(separator: " ")
        #expect(
            words.contains(
                """
                the servers' times differ: the primary has every 250 ms, timeout 1.00 s, the backup every 250 ms, timeout \
                3.00 s.
                """), "\(words)")
        let both = try pair(
            status(.primary, .active, peer: .passive, peerTimeout: 3),
            status(.backup, .passive, peer: .active, peerTimeout: 3))
        #expect(StatusReport(view: both).warnings.count { $0.contains("times differ") } == 1)
        let alike = try pair(status(.primary, .active, peer: .passive))
        #expect(!text(alike).contains("times differ"))
    }

    @Test("Of several links the one that has failed is told, though the peer is heard")
    func aFailedLinkIsTold() throws {
        let oneOfTwo = try pair(
            status(.primary, .active, peer: .passive, brokenLink: "tcp://10.9.1.2:5003"),
            status(.backup, .passive, peer: .active))
        let warnings = StatusReport(view: oneOfTwo).warnings
        #expect(warnings.count == 1)
        #expect(warnings.first?.hasPrefix("the primary hears its peer, but not over tcp://10.9.1.2:5003") == true)
        // Of a single link that has just broken there is no other one to speak of.
        let broken = try pair(status(.primary, .active, peer: .passive, linkIsBroken: true))
        #expect(StatusReport(view: broken).warnings.isEmpty)
        let gone = try status(.primary, .active, peer: .passive, peerIsExpired: true, brokenLink: "tcp://10.9.1.2:5003")
        #expect(
            try StatusReport(view: pair(gone)).warnings == [
                "the primary does not hear its peer any more: see whether it runs, and whether the network does."
            ])
    }

    @Test func whatOthersSayDoesNotMoveTheCursor() throws {
        let view = try pair(status(.primary, .active, pairName: #"a\u001b[2Jb"#), failures: 0)
        #expect(view.statuses[0].pairName == #"a\u001b[2Jb"#)
        #expect("a\u{1B}[2Jb\n".printable == "a?[2Jb?")
    }

    @Test func theJSONHasWhatTheServersAnswered() throws {
        let view = try pair(status(.primary, .active, peer: .passive), failures: 1)
        let read = try json(view.json.text)
        #expect(read["serving"] == .array([.string("primary")]))
        guard case .array(let servers)? = read["servers"] else { throw ControlFailure("no servers") }
        #expect(try servers[0]["status"]?.decode(BinaryStar.Status.self) == view.statuses[0])
        #expect(try servers[1]["error"]?.decode(ControlError.self).code == .unreachable)
    }
}

@Suite struct HistoryReportTests {
    private func record(_ seat: Seat, _ from: Role, _ to: Role, term: UInt64, time: Int, _ cause: Cause) throws
        -> TransitionRecord
    {
        try json(
            """
            {"time":\(time),"seat":"\(seat)","from":"\(from)","to":"\(to)","term":\(term),"cause":"\(cause)",\
            "peerSilence":1.25,"peerRole":"active","peerTerm":\(term - 1)}
            """
        ).decode(TransitionRecord.self)
    }

    @Test func termsGiveTheOrderWhateverTheClocksSay() throws {
        // The backup's clock is an hour behind.
        let primary = [
            try record(.primary, .primary, .active, term: 1_795_624_989_228, time: 1_795_624_989_000, .peer(.backup)),
            try record(.primary, .active, .passive, term: 1_795_624_989_231, time: 1_795_624_999_000, .superseded),
        ]
        let backup = [
            try record(
                .backup, .passive, .active, term: 1_795_624_989_231, time: 1_795_621_390_000,
                .clientRequestAfterPeerDeath)
        ]
        let merged = HistoryReport.merge([primary, backup])
        #expect(merged.map(\.seat) == [.primary, .backup, .primary])
        let lines = HistoryReport(records: merged).lines
        #expect(lines.allSatisfy { $0.count <= 80 }, "\(lines)")
        #expect(lines[0].hasPrefix("term 1795624989228, 2026-") && lines[0].hasSuffix(": the primary became active"))
        #expect(lines.contains { $0.contains("passive → active   a client asked, and the peer's") })
        #expect(lines.contains { $0.contains("peer heard 1.25 s before as active") })
        #expect(HistoryReport(records: []).lines == ["no server has changed its role yet"])
    }
}

@Suite struct ControlPathsTests {
    @Test func theFolderIsTheSystemsOrTheUsers() {
        let environment = ["XDG_RUNTIME_DIR": "/run/user/7", "RUNTIME_DIRECTORY": "/run/one:/run/two"]
        #expect(
            ControlPaths(user: 7, hasRun: true) { environment[$0] }.folders == [
                "/run/one", "/run/user/7/bstar", "/tmp/bstar-7",
            ])
        #expect(ControlPaths(user: 0, hasRun: true) { _ in nil }.folders == ["/run/bstar", "/tmp/bstar-0"])
        #expect(
            ControlPaths(user: 7, hasRun: true) { $0 == "XDG_RUNTIME_DIR" ? "relative" : nil }.folders == [
                "/tmp/bstar-7"
            ])
    }

    @Test func pairsHaveFilesOfTheirOwn() {
        #expect(ControlPaths.fileName(pair: "", seat: .primary) == "primary.sock")
        #expect(ControlPaths.fileName(pair: "orders-2", seat: .backup) == "orders-2-backup.sock")
        #expect(ControlPaths.fileName(pair: "../a b/é", seat: .backup) == "%2E%2E%2Fa%20b%2F%C3%A9-backup.sock")
        #expect(ControlPaths.endpoint("/a/b") == "ipc:///a/b" && ControlPaths.endpoint("ipc:///a/b") == "ipc:///a/b")
    }
}
