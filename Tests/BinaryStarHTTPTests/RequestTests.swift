import Testing

@testable import BinaryStarHTTP

@Suite struct RequestTests {
    private func request(_ head: String) throws -> Request { try Request(head: Array(head.utf8)) }

    @Test(arguments: [
        ("GET /active HTTP/1.1\r\nHost: a\r\n\r\n", "GET", "/active", "", true),
        ("GET /status?only=own HTTP/1.1\r\nHost: a\r\n\r\n", "GET", "/status", "only=own", true),
        ("HEAD / HTTP/1.1\r\nhOST: a\r\nConnection: Close\r\n\r\n", "HEAD", "/", "", false),
        ("GET /active HTTP/1.0\r\n\r\n", "GET", "/active", "", false),
        ("GET /active HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "GET", "/active", "", true),
        ("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS", "*", "", true),
        ("GET http://a:80/ready?x HTTP/1.1\r\nHost: a\r\n\r\n", "GET", "/ready", "x", true),
        ("GET HTTP://a HTTP/1.1\r\nHost: a\r\n\r\n", "GET", "/", "", true),
        ("GET / HTTP/1.1\nHost: a\n\n", "GET", "/", "", true),
    ])
    func whatIsRead(_ head: String, _ method: String, _ path: String, _ query: String, _ keepsAlive: Bool) throws {
        let request = try request(head)
        #expect(request.method == method && request.path == path && request.query == query)
        #expect(request.keepsAlive == keepsAlive && !request.hasBody)
        #expect(request.host == (head.lowercased().contains("host:") ? "a" : nil))
    }

    @Test(
        "A body is not read, so the connection ends behind the answer",
        arguments: [
            ("Content-Length: 5", true), ("Transfer-Encoding: chunked", true), ("Content-Length: 0", false),
            ("Content-Length: -1", true), ("Content-Length: 0\r\nTransfer-Encoding: chunked", true),
        ])
    func bodies(_ field: String, _ hasBody: Bool) throws {
        let request = try request("POST / HTTP/1.1\r\nHost: a\r\n\(field)\r\n\r\n")
        #expect(request.hasBody == hasBody && request.keepsAlive == !hasBody)
    }

    @Test(
        arguments: [
            ("", .badRequest), ("\r\n\r\n", .badRequest), ("GET /\r\n\r\n", .badRequest),
            ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", .badRequest), ("GET / x HTTP/1.1\r\nHost: a\r\n\r\n", .badRequest),
            ("G(T / HTTP/1.1\r\nHost: a\r\n\r\n", .badRequest), ("GET status HTTP/1.1\r\nHost: a\r\n\r\n", .badRequest),
            ("GET /\u{e9} HTTP/1.1\r\nHost: a\r\n\r\n", .badRequest),
            ("GET /\u{1} HTTP/1.1\r\nHost: a\r\n\r\n", .badRequest),
            ("GET / HTTP/1.1\r\n\r\n", .badRequest), ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", .badRequest),
            ("GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", .badRequest),
            ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", .badRequest),
            ("GET / HTTP/1.1\r\nHost: a\r\n folded: x\r\n\r\n", .badRequest),
            ("GET / HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n", .badRequest), ("GET / SSH-2.0\r\n\r\n", .badRequest),
            ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", .versionNotSupported),
            ("GET / HTTP/0.9\r\n\r\n", .versionNotSupported),
        ] as [(String, Response.Status)])
    func whatIsRefused(_ head: String, _ status: Response.Status) {
        do {
            let request = try request(head)
            Issue.record("taken: \(request)")
        } catch let refused as Request.Refused {
            #expect(refused.status == status)
        } catch {
            Issue.record("\(error)")
        }
    }

    @Test func bytesThatAreNoTextAreRefused() {
        #expect(throws: Request.Refused.self) { try Request(head: [0xFF, 0xFE, 0x0A, 0x0A]) }
    }

    @Test(
        arguments: [
            ("a\r\n\r\nb", 5), ("a\n\nb", 3), ("a\r\n\nb", 4), ("a\n\r\nb", 4), ("a\r\nb\r\n", nil), ("", nil),
            ("\r\n", nil),
            ("a\r\n\r", nil), ("\r\n\r\n", 4),
        ] as [(String, Int?)])
    func endOfHead(_ text: String, _ end: Int?) {
        #expect(Request.endOfHead(in: Array(text.utf8)) == end)
    }

    @Test(
        arguments: [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (784_111_777_999, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_782_400_000, "Tue, 29 Feb 2000 00:00:00 GMT"), (951_868_800_000, "Wed, 01 Mar 2000 00:00:00 GMT"),
            (1_798_761_599_000, "Thu, 31 Dec 2026 23:59:59 GMT"),
        ] as [(UInt64, String)])
    func dates(_ time: UInt64, _ text: String) { #expect(Response.date(time) == text) }

    @Test func anAnswerToHEADHasTheFieldsOfOneToGETAndNoBody() {
        let response = Response.text(.unavailable, "not active")
        let get = String(decoding: response.bytes(keepsAlive: true, time: 0), as: UTF8.self)
        let head = String(decoding: response.bytes(keepsAlive: true, withoutBody: true, time: 0), as: UTF8.self)
        #expect(get == head + "not active\n")
        #expect(head.contains("Content-Length: 11\r\n") && head.contains("Retry-After: 1\r\n"))
        #expect(head.contains("Cache-Control: no-store\r\n") && head.hasSuffix("\r\n\r\n"))
    }
}
