import BinaryStarCore
import Testing

@Suite struct ReplyHeaderTests {
    @Test func roundTrip() {
        let request = RequestHeader(incarnation: 5, number: 6)
        for kind in [ReplyHeader.Kind.reply, .refusal] {
            for role in Role.allCases {
                let header = ReplyHeader(kind, to: request, term: 77, role: role)
                #expect(header.encoded.count == ReplyHeader.length)
                #expect(ReplyHeader(header.encoded.span) == header)
                #expect(RequestHeader(header.encoded.span) == nil)
            }
        }
        #expect(ReplyHeader(request.encoded.span) == nil)
    }

    @Test func malformed() {
        let bytes = ReplyHeader(.reply, to: .init(incarnation: 5, number: 6), term: 7, role: .active).encoded
        for length in 0..<bytes.count { #expect(ReplyHeader(Array(bytes.prefix(length)).span) == nil) }
        for (offset, value) in [(0, 0), (4, 2), (5, 1), (5, 9), (22, 0xFF), (30, 0), (30, 5)] as [(Int, UInt8)] {
            var changed = bytes
            changed[offset] = value
            #expect(ReplyHeader(changed.span) == nil)
        }
    }
}
