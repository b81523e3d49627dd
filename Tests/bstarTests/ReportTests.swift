import BinaryStar
import BinaryStarCore
import Foundation
import Testing

@testable import bstar

@Suite struct ReportTests {
    private func lines(_ report: some RequestReport, _ events: [RequestEvent]) -> [String] {
        var report = report
        var text = ReportText()
        for event in events { report.tell(event, in: &text) }
        return String(decoding: text.output, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    private func object(_ line: String) throws -> [String: Any] {
        try #require(JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
    }

    @Test func aReplysFieldsAreAsDocumented() throws {
        let event = RequestEvent.reply(
            reply(7, from: .backup, at: 12, due: 10, term: 5, attempts: 2, body: "a\"\n\u{1}"))
        let line = try object(lines(JSONReport(showsBodies: true), [event])[0])
        #expect(
            Set(line.keys) == [
                "event", "time", "at", "number", "server", "term", "attempts", "latency_us", "delay_us", "bytes",
                "body",
            ])
        #expect(line["event"] as? String == "reply")
        #expect(line["latency_us"] as? Int == 2_000)
        #expect(line["at"] as? Int == 12_000_000)
        #expect(line["body"] as? [String] == ["a\"\n\u{1}"])
    }

    @Test func aBodyThatIsNoTextIsToldInHexadecimal() throws {
        let event = RequestEvent.reply(reply(at: 12, body: Message(frames: [[0xFF, 0x01], []])))
        let line = try object(lines(JSONReport(showsBodies: true), [event])[0])
        #expect(line["body_hex"] as? [String] == ["ff01", ""])
        #expect(line["body"] == nil)
        #expect(line["bytes"] as? Int == 2)
        #expect(line["term"] is NSNull)
    }

    @Test func theSummaryOfNothingIsValidToo() throws {
        var text = ReportText()
        var report = JSONReport(showsBodies: true)
        report.tell(RequestSummary(statistics(), at: at(0)), in: &text)
        let line = try object(String(decoding: text.output, as: UTF8.self))
        #expect(line["replied"] as? Int == 0)
        #expect((line["latency_us"] as? [String: Any])?["p50"] is NSNull)
        #expect(line["replies_per_s"] as? Double == 0)
    }

    @Test func peopleSeeAnOutageAtTheFirstGlance() {
        var statistics = statistics()
        statistics.sends(dueAt: at(0))
        let report = HumanReport(detail: .seconds, talksOnError: false, isOpenLoop: true)
        let lines = lines(report, [.second(statistics.nextSecond(at: at(1_000)))])
        #expect(lines.count == 1)
        #expect(lines[0].contains("NO REPLY for 1.00 s"))
        #expect(lines[0].contains("1 waiting"))
    }

    @Test func bodiesAreAloneOnStandardOutput() {
        var report = HumanReport(detail: .bodies, talksOnError: true, isOpenLoop: false)
        var text = ReportText()
        report.tell(.reply(reply(at: 1, body: Message(frames: ["a".utf8, "b".utf8]))), in: &text)
        report.tell(.failure(failure(2, at: 2)), in: &text)
        report.tell(RequestSummary(statistics(), at: at(3)), in: &text)
        #expect(String(decoding: text.output, as: UTF8.self) == "a\tb\n\n")
        #expect(String(decoding: text.error, as: UTF8.self).contains("2  failed after 1.00 s"))
    }
}

@Suite struct JSONObjectTests {
    @Test func whatItWritesIsReadBack() throws {
        var inner = JSONObject()
        inner.add(named: "a \"key\"\\", -5)
        var object = JSONObject()
        object.add("text", "quote \" backslash \\ line \n tab \t return \r bell \u{7} delete \u{7F} é 🌟")
        object.add("number", UInt64.max)
        object.add("fraction", 0.125)
        object.add("infinite", Double.infinity)
        object.add("yes", true)
        object.add("none", Int?.none)
        object.add("list", [inner, JSONObject()])
        #expect(!object.text.contains("\n"))
        let read = try #require(JSONSerialization.jsonObject(with: Data(object.text.utf8)) as? [String: Any])
        #expect(
            read["text"] as? String == "quote \" backslash \\ line \n tab \t return \r bell \u{7} delete \u{7F} é 🌟")
        #expect(read["number"] as? UInt64 == .max)
        #expect(read["fraction"] as? Double == 0.125)
        #expect(read["infinite"] is NSNull && read["none"] is NSNull)
        #expect(read["yes"] as? Bool == true)
        #expect((read["list"] as? [[String: Int]])?.first == ["a \"key\"\\": -5])
    }

    @Test func fieldsOfALineAreFound() {
        var object = JSONObject()
        object.add("event", "failover")
        object.add("length_us", 12)
        #expect(JSONObject.field("event", in: object.text) == "failover")
        #expect(JSONObject.field("length_us", in: object.text) == "12")
        #expect(JSONObject.field("other", in: object.text) == nil)
    }
}
