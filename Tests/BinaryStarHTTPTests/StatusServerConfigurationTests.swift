import BinaryStar
import Testing

@testable import BinaryStarHTTP

@Suite struct StatusServerConfigurationTests {
    @Test(
        "A port alone is one that only this machine reaches",
        arguments: [
            ("8080", "127.0.0.1", 8_080), ("0", "127.0.0.1", 0), ("0.0.0.0:80", "0.0.0.0", 80), ("*:80", "0.0.0.0", 80),
            ("localhost:80", "127.0.0.1", 80), ("[::1]:80", "::1", 80), ("[::]:80", "::", 80),
            ("10.0.0.1:1", "10.0.0.1", 1),
        ] as [(String, String, UInt16)])
    func addresses(_ text: String, _ host: String, _ port: UInt16) throws {
        let configuration = try StatusServerConfiguration(address: text)
        #expect(configuration.host == host && configuration.port == port)
    }

    @Test(arguments: [
        "", "web", "65536", "-1", "127.0.0.1", "127.0.0.1:", ":80", "::1:80", "[::1]", "machine-a:80", "1.2.3:80",
    ])
    func noAddresses(_ text: String) {
        #expect {
            try StatusServerConfiguration(address: text)
        } throws: {
            ($0 as? BinaryStarError)?.code == .invalidConfiguration && "\($0)".contains("\"\(text)\"")
        }
    }

    @Test(
        "Who may ask at a loopback address, by the Host field",
        arguments: [
            ("localhost", true), ("localhost:8080", true), ("127.0.0.1", true), ("127.0.0.1:80", true), ("[::1]", true),
            ("[::1]:8080", true), (nil, true), ("", false), ("a", false), ("localhost.evil.example", false),
            ("127.0.0.1.evil.example:80", false), ("evil.example:80", false), ("localhost:a", false), (":80", false),
            ("::1", false), ("[::1]a", false), ("a:localhost", false),
        ] as [(String?, Bool)])
    func hosts(_ name: String?, _ isKnown: Bool) throws {
        var request = Request(method: "GET", path: "/status")
        request.host = name
        for host in ["127.0.0.1", "127.0.0.2", "::1"] {
            var configuration = StatusServerConfiguration(port: 80)
            configuration.host = host
            let isAdmitted = (try? configuration.admit(request)) != nil
            #expect(isAdmitted == isKnown, "\(host)")
        }
        // Whoever reaches another address has other ways to it.
        var configuration = StatusServerConfiguration(port: 80)
        configuration.host = "0.0.0.0"
        try configuration.admit(request)
    }

    @Test(
        "The rules",
        arguments: [
            { $0.host = "machine" }, { $0.maximumConnections = 0 }, { $0.maximumHeadSize = 255 },
            { $0.requestTimeout = .zero },
            { $0.idleTimeout = .zero }, { $0.peer = "https://a" },
        ] as [@Sendable (inout StatusServerConfiguration) -> Void])
    func rules(_ change: @Sendable (inout StatusServerConfiguration) -> Void) throws {
        var configuration = StatusServerConfiguration(port: 0, peer: "http://a:1")
        try configuration.validate()
        change(&configuration)
        let wrong = configuration
        #expect { try wrong.validate() } throws: { ($0 as? BinaryStarError)?.code == .invalidConfiguration }
    }

    @Test(
        arguments: [
            ("http://a:1", "a", 1, "a:1"), ("http://a", "a", 80, "a"), ("http://a:1/", "a", 1, "a:1"),
            ("HTTP://a:1/status", "a", 1, "a:1"), ("http://[::1]:8", "::1", 8, "[::1]:8"),
            ("http://[::1]", "::1", 80, "[::1]"),
        ] as [(String, String, UInt16, String)])
    func peers(_ text: String, _ host: String, _ port: UInt16, _ authority: String) throws {
        let url = try PeerURL(text)
        #expect(url.host == host && url.port == port && url.authority == authority)
        #expect(url.text == "http://" + authority)
    }

    @Test(arguments: [
        "", "a:1", "https://a:1", "http://", "http://:1", "http://a:0", "http://a:x", "http://a:1/other",
        "http://u:p@a:1",
        "http://a b", "http://a?x", "http://a\r\nX: y",
    ])
    func noPeers(_ text: String) { #expect(throws: BinaryStarError.self) { try PeerURL(text) } }
}
