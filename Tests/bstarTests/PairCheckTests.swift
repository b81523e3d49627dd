import BinaryStar
import BinaryStarCore
import Testing

@testable import bstar

@Suite struct PairCheckTests {
    private let timing = HeartbeatTiming.standard

    /// What the check says of a peer that is heard like this.
    private func findings(
        pairName: String = "orders", seat: Seat = .backup, incarnation: UInt64 = 9, timing: HeartbeatTiming = .standard,
        echo: UInt64? = 7, echoAge: Duration = .zero, term: UInt64 = 1_000, gap: Duration = .milliseconds(260),
        isClassic: Bool = false,
        delay: Duration = .milliseconds(2), isRunning: Bool = true
    ) throws -> [Finding] {
        var heard = Heard(endpoint: "tcp://peer.example:5003")
        let news = HeartbeatExtension(
            pairName: pairName, seat: seat, incarnation: incarnation, sequence: 1, term: term, timing: timing,
            echo: echo.map { .init(incarnation: $0, sequence: 1, age: echoAge) })
        let heartbeat = Heartbeat(role: .passive, extension: isClassic ? nil : news)
        for index in 0..<10 { heard.add(.success(heartbeat), at: at(index * 250)) }
        heard.add(.success(heartbeat), at: at(9 * 250) + gap)
        let status = isRunning ? try status(.primary, .active, peer: .passive) : nil
        let server = CheckedServer(
            seat: .primary, pairName: "orders", timing: self.timing, status: status, heard: [(heard, .reached)])
        let findings = server.findings(schedulingDelay: delay, wallClock: 1_000)
        #expect(findings.flatMap { $0.lines(width: 80) }.allSatisfy { $0.count <= 80 })
        return findings
    }

    private func bad(_ findings: [Finding]) -> [String] {
        findings.filter { $0.level != .ok }.map { "\($0.level) \($0.topic)" }
    }

    @Test func aPairThatAgreesIsFine() throws {
        #expect(bad(try findings()) == [])
        #expect(bad(try findings(isRunning: false)) == [])
    }

    @Test func whatDiffersIsNamedWithBothValues() throws {
        let name = try findings(pairName: "order")
        #expect(bad(name) == ["failure name"])
        #expect(name.contains { $0.text == "the pair is \"orders\" here and \"order\" there" && $0.advice != nil })
        #expect(bad(try findings(seat: .primary)) == ["failure seat"])
        #expect(bad(try findings(timing: .classic)).contains("failure timing"))
        #expect(bad(try findings(incarnation: 7)) == ["failure peer"])
        #expect(bad(try findings(echo: nil)) == ["failure both ways"])
        #expect(bad(try findings(echoAge: .seconds(1))) == [])
        let deaf = try findings(echoAge: .seconds(75))
        #expect(bad(deaf) == ["failure both ways"])
        #expect(deaf.contains { $0.text == "the peer has not heard this server for 1 min 15 s" })
        #expect(bad(try findings(term: 3_600_000)) == ["warning clock"])
        #expect(bad(try findings(isClassic: true)) == ["warning peer"])
    }

    @Test func timingIsComparedWithWhatWasMeasured() throws {
        // The timing bears (1000 − 250) / 2 ms.
        #expect(bad(try findings(gap: .milliseconds(250 + 180))) == [])
        #expect(bad(try findings(gap: .milliseconds(250 + 200))) == ["warning jitter"])
        let late = try findings(gap: .milliseconds(250 + 400))
        #expect(bad(late) == ["failure jitter"])
        #expect(late.contains { $0.advice?.contains("--timeout to 4s or more") == true })
        #expect(bad(try findings(delay: .milliseconds(400))) == ["failure machine"])
    }

    @Test(arguments: [
        (Reachability.reached, "something accepts connections"), (.refused, "refuses the connection"),
        (.noAnswer, "no answer to a connection"), (.noName, "the name is not known"), (.failed("no route"), "no route"),
    ])
    func aSilentPeerIsExplained(_ reachability: Reachability, _ text: String) throws {
        for isRunning in [true, false] {
            let server = CheckedServer(
                seat: .primary, pairName: "", timing: timing, status: isRunning ? try status(.primary, .primary) : nil,
                heard: [(Heard(endpoint: "tcp://peer.example:5003"), reachability)])
            let finding = server.findings(schedulingDelay: .zero, wallClock: 0)[0]
            // Before the start the peer may well be down.
            #expect(finding.level == (reachability == .refused && !isRunning ? .warning : .failure))
            #expect(finding.text.contains(text) && finding.advice != nil)
        }
    }

    @Test("What the server itself hears is not wrong, though this tool does not hear it")
    func aToolInAnotherPlace() throws {
        let server = try status(.primary, .active, peer: .passive, brokenLink: "tcp://10.9.1.2:5003")
        let findings = CheckedServer(
            seat: .primary, pairName: "", timing: timing, status: server,
            heard: server.links.map { (Heard(endpoint: $0.endpoint), Reachability.reached) }
        ).findings(schedulingDelay: .zero, wallClock: 0)
        #expect(findings.prefix(2).map(\.level) == [.warning, .failure])
        #expect(findings[0].text.hasSuffix("though the server hears its peer there"))
    }

    @Test func clocksThatDifferAreTold() throws {
        let same = try pair(status(.primary, .active), status(.backup, .passive))
        #expect(CheckCommand.clocks(same).map(\.level) == [.ok])
        let apart = try pair(status(.primary, .active), status(.backup, .passive, time: 1_795_625_000_818))
        #expect(CheckCommand.clocks(apart)[0].text == "the servers' clocks differ by 10 s")
    }
}
