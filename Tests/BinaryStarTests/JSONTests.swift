import Foundation
import TestSupport
import Testing

@testable import BinaryStar

@Suite struct JSONTests {
    private func parse(_ text: String) throws -> JSON { try JSON(parsing: Array(text.utf8)) }

    @Test(arguments: [
        "null", "true", "false", "0", "-0.5", "1e3", "1.25E-2", "18446744073709551615", "\"\"", "\"é🌟\"", "[]", "{}",
        "[1,[2,[3]],\"a\"]", "{\"a\":{\"b\":[null,true]},\"\":1}",
    ])
    func whatIsReadIsWrittenAgain(_ text: String) throws {
        #expect(try parse(text).text == text)
        #expect(try parse(" \n\t\r\(text)  ").text == text)
    }

    @Test func escapesAreRead() throws {
        #expect(try parse(#""a\"\\\/\b\f\n\r\t\u00e9\ud83c\udf1f""#) == .string("a\"\\/\u{8}\u{C}\n\r\té🌟"))
    }

    @Test(arguments: [
        "", " ", "nul", "tru", "truer", "01", "1.", ".5", "-", "1e", "+1", "1 2", "[1,]", "[1", "[,1]", "{\"a\"}",
        "{\"a\":1,}", "{a:1}", "{\"a\":1", "{1:2}", "\"", "\"\\\"", "\"\\x\"", "\"\\u12g4\"", "\"\\ud83c\"",
        "\"\\ud83c\\n\"", "\"\\udf1f\"", "\"\\ud83c\\u0041\"", "\"\n\"", "\u{FEFF}1", "NaN", "Infinity", "'a'", "[1]]",
    ])
    func whatIsNoJSONIsRefused(_ text: String) {
        #expect(throws: JSON.SyntaxError.self) { try parse(text) }
    }

    @Test func bytesThatAreNoTextAreRefused() {
        #expect(throws: JSON.SyntaxError.self) { try JSON(parsing: [0x22, 0xFF, 0x22]) }
        #expect(throws: JSON.SyntaxError.self) { try JSON(parsing: [0x22, 0xED, 0xA0, 0x80, 0x22]) }
    }

    @Test func nestingIsBounded() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        _ = try parse(nested(32))
        for depth in [33, 100_000] {
            let error = #expect(throws: JSON.SyntaxError.self) { try parse(nested(depth)) }
            #expect(error?.what == "nested too deeply")
        }
        #expect(throws: JSON.SyntaxError.self) { try parse(String(repeating: "{\"a\":", count: 100_000)) }
    }

    /// Whatever is changed in a text, it is read or refused: nothing traps.
    @Test func damagedTextsNeverTrap() throws {
        var random = SeededGenerator(seed: .fromEnvironmentOrRandom())
        let whole = Array(
            #"{"version":1,"id":18446744073709551615,"command":"sta\u0074us","x":[1.5e3,-2,true,null]}"#.utf8)
        for length in whole.indices {
            #expect(throws: JSON.SyntaxError.self) { try JSON(parsing: Array(whole[..<length])) }
        }
        for _ in 0..<20_000 {
            var bytes = whole
            for _ in 0...Int.random(in: 0..<4, using: &random) {
                bytes[Int.random(in: bytes.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            if let json = try? JSON(parsing: bytes) { #expect(try JSON(parsing: Array(json.text.utf8)) == json) }
            _ = try? ControlRequest.decode(bytes)
        }
    }

    private struct Sample: Codable, Equatable {
        enum Kind: String, Codable { case first, second }
        struct Inner: Codable, Equatable { var a: [Int8], b: [String: Double], c: Kind?, d: [Inner] }
        var flag: Bool, text: String, big: UInt64, small: Int64, number: Double, missing: Int?, role: Role, cause: Cause
        var inner: Inner
    }

    private let sample = Sample(
        flag: true, text: "a\"\n\u{1}é", big: .max, small: .min, number: 0.1, missing: nil, role: .passive,
        cause: .peer(.active),
        inner: .init(a: [-128, 127], b: ["x": 1e-9], c: .second, d: [.init(a: [], b: [:], c: nil, d: [])]))

    @Test func itReadsAndWritesWhatFoundationDoes() throws {
        let ours = try JSON(encoding: sample).text
        #expect(try JSONDecoder().decode(Sample.self, from: Data(ours.utf8)) == sample)
        let theirs = try JSONEncoder().encode(sample)
        #expect(try JSON(parsing: Array(theirs)).decode(Sample.self) == sample)
        #expect(ours.contains(#""role":"passive","cause":"peer active""#) && !ours.contains("missing"))
    }

    @Test(arguments: [
        (#"{"a":[128],"b":{},"d":[]}"#, "a: expected Int8, found the number 128"),
        (#"{"a":[1.5],"b":{},"d":[]}"#, "a: expected Int8, found the number 1.5"),
        (#"{"a":[],"b":{"x":1e999},"d":[]}"#, "b.x: expected Double, found the number 1e999"),
        (#"{"a":[],"b":{},"c":"third","d":[]}"#, "c: Cannot initialize"),
        (#"{"a":[],"b":{}}"#, "\"d\" is missing"),
        (#"{"a":{},"b":{},"d":[]}"#, "a: expected Array<Any>, found an object"),
    ])
    func whatDoesNotFitIsToldWithItsPlace(_ text: String, _ message: String) {
        let error = #expect(throws: DecodingError.self) { try parse(text).decode(Sample.Inner.self) }
        #expect(error?.summary.contains(message) == true, "\(error?.summary ?? "")")
    }

    @Test func everyRoleAndCauseIsCodedByItsName() throws {
        for role in Role.allCases { #expect(try JSON(encoding: role) == .string("\(role)")) }
        #expect(Set(Cause.all).count == Role.allCases.count + 10)
        for cause in Cause.all { #expect(try JSON(encoding: cause).decode(Cause.self) == cause) }
    }
}
