import BinaryStarCore
import Foundation
import TestSupport
import Testing

@testable import BinaryStar

@Suite struct TransitionLogTests {
    private let folder = TemporaryFolder()
    private var directory: String { folder.path + "/state" }
    private var file: URL { URL(filePath: directory + "/primary.jsonl") }

    private func log() throws -> TransitionLog { try TransitionLog(directory: directory, name: "primary") }

    private func line(term: UInt64) -> String {
        let transition = Transition(
            from: .passive, to: .active, term: term, cause: .clientRequest, instant: MonotonicTime(nanoseconds: 0),
            peerSilence: .milliseconds(1_250), peerRole: .active, peerTerm: term - 1)
        return TransitionRecord(RoleChange(transition, at: .now, time: 1_700_000_000_000), seat: .primary).line
    }

    private var lines: [Substring] {
        get throws { try String(contentsOf: file, encoding: .utf8).split(separator: "\n") }
    }

    @Test func aLineIsJSONThatTellsWhy() throws {
        let json = try JSONSerialization.jsonObject(with: Data(line(term: 7).utf8)) as? [String: Any]
        #expect(json?["cause"] as? String == "client request")
        #expect(json?["term"] as? Int == 7 && json?["peerTerm"] as? Int == 6)
        #expect(json?["peerSilence"] as? Double == 1.25 && json?["peerRole"] as? String == "active")
        #expect(json?["from"] as? String == "passive" && json?["to"] as? String == "active")
        #expect(json?["seat"] as? String == "primary" && json?["time"] as? Int == 1_700_000_000_000)
    }

    @Test func theNextLifeKnowsTheHighestTerm() throws {
        #expect(try log().highestTerm == 0)
        let first = try log()
        for term in [4, 8, 6] as [UInt64] { try first.append(line(term: term)) }
        #expect(try log().highestTerm == 8)
    }

    @Test("The last 1,000 transitions are kept")
    func capacity() throws {
        let first = try log()
        for term in 1...2_500 as ClosedRange<UInt64> { try first.append(line(term: term)) }
        #expect(try lines.count >= 1_000 && lines.count < 2_000)
        _ = try log()
        #expect(try lines.count == 1_000)
        #expect(try lines.first == Substring(line(term: 1_501)))
        #expect(try lines.last == Substring(line(term: 2_500)))
    }

    @Test("and survive a crash at any byte")
    func crashAtAnyByte() throws {
        let first = try log()
        for term in 1...3 as ClosedRange<UInt64> { try first.append(line(term: term)) }
        let whole = try Data(contentsOf: file)
        for length in 0...whole.count {
            try whole.prefix(length).write(to: file)
            let next = try log()
            // The lines whose last brace was written are there, whether or not their end of line was.
            let complete = (1...3).count { length >= line(term: 1).utf8.count * $0 + $0 - 1 }
            #expect(next.highestTerm == UInt64(complete))
            try next.append(line(term: 9))
            #expect(try lines.count == complete + 1)
            #expect(try log().highestTerm == 9)
        }
    }

    @Test func aDirectoryThatCannotBeMadeIsAnError() throws {
        try Data().write(to: URL(filePath: directory))
        let error = #expect(throws: BinaryStarError.self) { try log() }
        #expect(error?.code == .stateUnavailable)
        #expect(error?.message.contains("stateDirectory") == true)
    }

    @Test func aStarKeepsItsChangesAndStartsAboveThem() async throws {
        let endpoints = PairEndpoints()
        var configuration = endpoints.configuration(.primary)
        configuration.stateDirectory = directory
        let future: UInt64 = 1 << 60
        try log().append(line(term: future))
        let star = try BinaryStar(configuration: configuration)
        try await running(star) {
            // A star whose turn comes late counts its peer as alive for longer.
            try await eventually("promotion") { (try? await star.promote()) != nil }
            #expect(await star.status.term > future)
        }
        let last = try #require(lines.last)
        #expect(last.contains("\"cause\":\"promote\"") && last.contains("\"to\":\"active\""))
    }
}
