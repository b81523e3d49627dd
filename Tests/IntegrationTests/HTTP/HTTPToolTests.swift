import Foundation
import TestSupport
import Testing

extension Processes {
    /// `--http` of the tool.
    @Suite(.timeLimit(.minutes(2))) struct HTTPToolTests {
        private let folder = TemporaryFolder()

        @Test func theChecksFollowAFailover() async throws {
            let pair = try await HTTPPair(in: folder)
            func statuses(_ address: String) async throws -> [Int] {
                var statuses: [Int] = []
                for path in ["/active", "/passive", "/health", "/ready"] {
                    statuses.append(try await TestSocket(address: address).get(path).status)
                }
                return statuses
            }
            #expect(try await statuses(pair.primaryAddress) == [200, 503, 200, 200])
            #expect(try await statuses(pair.backupAddress) == [503, 200, 200, 200])
            let both = try await TestSocket(address: pair.backupAddress).get("/status").body
            #expect(both.contains("\"role\":\"passive\"") && both.contains("\"role\":\"active\""))
            try await pair.primary.end(with: SIGKILL)
            try await pair.request()
            #expect(try await statuses(pair.backupAddress) == [200, 503, 200, 200])
        }

        @Test("A program that bstar guard runs does not hold the port of bstar guard")
        func guarded() async throws {
            let arguments = [
                "guard", "--seat", "primary", "--listen", folder.ipc("a"), "--connect", folder.ipc("b"), "--no-control",
                "--interval", "50ms", "--timeout", "200ms", "--http", "0", "--", "/bin/sh", "-c",
                "ls -l /proc/self/fd > \(folder.path)/fds; echo started; sleep 100",
            ]
            let server = try Background("bstar", arguments, in: folder)
            let address = String(try await server.line(with: "status at http://").dropLast())
            try await eventually("/active") { try await TestSocket(address: address).get("/active").status == 200 }
            try await server.line(with: "started")
            #if os(Linux)
            let descriptors = try String(contentsOfFile: folder.path + "/fds", encoding: .utf8)
            #expect(!descriptors.contains("socket:"), "\(descriptors)")
            #endif
            #expect(try await TestSocket(address: address).get("/metrics").body.contains("bstar_serving{"))
            try await server.end()
            #expect(throws: TestSocket.Failure.self) { try TestSocket(address: address) }
        }

        @Test("What is wrong is told before the server runs")
        func wrong() async throws {
            let serve = ["serve", "-p", "--no-control", "--frontend", folder.ipc("c"), "--listen", folder.ipc("s")]
            for (options, message) in [
                (["--http", "web"], "it must be HOST:PORT"),
                (["--http", "machine:80"], "the host must be an IP address"),
                (["--http", "0", "--http-peer", "https://a"], "it must begin with http://"),
                (["--http-peer", "http://a"], "--http-peer is for --http"),
            ] {
                let outcome = try await Tool.run(serve + options)
                #expect(outcome.exitCode == 64 && outcome.error.contains(message), "\(outcome.error)")
            }
            let listener = try #require(PortListener())
            let outcome = try await Tool.run(
                serve + ["--http", String(listener.endpoint.split(separator: ":").last ?? "")])
            #expect(outcome.exitCode == 1 && outcome.error.contains("Address already in use"), "\(outcome.error)")
        }

        @Test("The example whose web cannot be served says why, and ends") func webPairWithoutItsPort() async throws {
            let listener = try #require(PortListener())
            let port = String(listener.endpoint.split(separator: ":").last ?? "")
            let web = try Background("WebPair", ["primary", folder.path, port], in: folder)
            try await web.line(with: "primary: the web cannot be served at 127.0.0.1:\(port): Address already in use")
            try await web.ended()
        }
    }
}
