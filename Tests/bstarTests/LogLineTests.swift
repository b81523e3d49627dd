import BinaryStar
import BinaryStarCore
import Foundation
import Logging
import Testing

@testable import bstar

@Suite struct LogLineTests {
    private func line(
        _ format: LogFormat, _ message: String, _ metadata: Logger.Metadata = [:], level: Logger.Level = .warning,
        isForJournal: Bool = false
    ) -> String {
        LogLine(format: format, isForJournal: isForJournal)
            .text(level: level, label: "bstar", message: message, metadata: metadata, at: noon)
    }

    @Test("Text has the message first, and what has spaces in quotation marks")
    func text() {
        let text = line(.text, "the peer is silent", ["b": "1.25 s", "a": "active", "c": "say \"no\" now"])
        #expect(text.hasPrefix("\(noon.date) \(noon.text) warning "))
        #expect(text.hasSuffix("the peer is silent  a=active  b=\"1.25 s\"  c=\"say 'no' now\""))
    }

    @Test("What others say makes no second line and moves no cursor")
    func oneLine() {
        let text = line(.text, "one\ntwo", ["name": "\u{1B}[2J\nthree"])
        #expect(!text.contains("\n") && !text.contains("\u{1B}"))
        #expect(!line(.json, "one\ntwo", ["name": "\u{1B}[2J\nthree"]).contains("\n"))
    }

    @Test(
        "For the journal a line begins with its priority, and has no time",
        arguments: [
            (Logger.Level.trace, "<7>"), (.debug, "<7>"), (.info, "<6>"), (.notice, "<5>"), (.warning, "<4>"),
            (.error, "<3>"), (.critical, "<2>"),
        ])
    func journal(_ level: Logger.Level, _ prefix: String) {
        #expect(line(.text, "hello", level: level, isForJournal: true) == "\(prefix)hello")
    }

    @Test("JSON is one object a line, whatever is in it")
    func json() throws {
        let text = line(
            .json, "say \"no\"", ["bstar.term": "7", "message": "another one"], isForJournal: true)
        let object = try #require(
            JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        #expect(object["time"] as? Int64 == noon.milliseconds)
        #expect(object["level"] as? String == "warning")
        #expect(object["priority"] as? Int == 4)
        #expect(object["label"] as? String == "bstar")
        #expect(object["message"] as? String == "say \"no\"")
        #expect(object["bstar.term"] as? String == "7")
        #expect(object["metadata.message"] as? String == "another one")
    }
}
