import BinaryStarCore
import Testing

@Suite struct ReplyHeaderTests {
    private let request = RequestHeader(
        incarnation: 5, number: 6, attempt: 9, millisecondsLeft: 1_000, flags: .once)

    @Test(arguments: ReplyHeader.Kind.allCases, Role.allCases)
    func roundTrip(kind: ReplyHeader.Kind, role: Role) {
        let header = ReplyHeader(kind, to: request, term: 77, role: role)
        #expect(header.encoded.count == ReplyHeader.length)
        #expect(ReplyHeader(header.encoded.span) == header)
        // Neither is taken for the other.
        #expect(RequestHeader(header.encoded.span) == nil)
        #expect(ReplyHeader(request.encoded.span) == nil)
    }

    @Test func aNoticeNamesNoRequest() {
        let notice = ReplyHeader(noticeTo: 5, term: 8, role: .passive)
        #expect(ReplyHeader(notice.encoded.span) == notice)
        #expect(notice.request.number == 0)
    }

    @Test func malformed() {
        let bytes = ReplyHeader(.reply, to: request, term: 7, role: .active).encoded
        for length in 0..<bytes.count { #expect(ReplyHeader(Array(bytes.prefix(length)).span) == nil) }
        for (offset, value) in [
            (0, 0), (4, 2), (5, 1), (5, 9), (20, 0xFF), (29, 0), (29, 5), (30, 1), (31, 1), (32, 1),
        ] as [(Int, UInt8)] {
            var changed = bytes
            changed[offset] = value
            #expect(ReplyHeader(changed.span) == nil)
        }
    }
}

@Suite struct HandlerFailureTests {
    private func decode(_ bytes: [UInt8]) -> HandlerFailure? { HandlerFailure(bytes.span) }

    @Test(arguments: [0, -1, 404, Int64.min, .max], ["", "not found", "nicht gefunden: Ärger 🫠"])
    func roundTrip(code: Int64, text: String) {
        let failure = HandlerFailure(code: code, text: text)
        #expect(decode(failure.encoded) == failure)
    }

    @Test func aLongTextIsCutOffBetweenCharacters() {
        for prefix in ["", "a", "ab", "abc"] {
            let failure = HandlerFailure(code: 1, text: prefix + String(repeating: "🫠", count: 2_000))
            let decoded = decode(failure.encoded)
            #expect(decoded.map { failure.text.hasPrefix($0.text) } == true)
            #expect(decoded.map { $0.text.utf8.count > HandlerFailure.maximumTextLength - 4 } == true)
            #expect(failure.encoded.count <= 8 + HandlerFailure.maximumTextLength)
        }
    }

    @Test func malformed() {
        let bytes = HandlerFailure(code: 1, text: "x").encoded
        for length in 0..<8 { #expect(decode(Array(bytes.prefix(length))) == nil) }
        #expect(decode(bytes + [0xFF]) == nil)
        #expect(decode(bytes + [UInt8](repeating: 65, count: HandlerFailure.maximumTextLength)) == nil)
    }
}
