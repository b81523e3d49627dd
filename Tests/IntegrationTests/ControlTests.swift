import BinaryStarCore
import Foundation
import Subprocess
import TestSupport
import Testing

extension Processes {
    /// The control socket and the commands that use it, with real processes.
    @Suite(.timeLimit(.minutes(3))) struct ControlTests {
        private let folder = TemporaryFolder()

        private func path(_ name: String) -> String { "\(folder.path)/\(name)" }
        private func ipc(_ name: String) -> String { folder.ipc(name) }
        private func socket(_ seat: Seat) -> String { path("control-\(seat)") }

        private func serve(_ seat: Seat, _ more: String...) -> [String] {
            let other: Seat = seat == .primary ? .backup : .primary
            return [
                "serve", "--seat", "\(seat)", "--frontend", ipc("clients-\(seat)"), "--listen", ipc("state-\(seat)"),
                "--connect", ipc("state-\(other)"), "--interval", "50ms", "--timeout", "1s", "--pair-name", "orders",
                "--control", socket(seat),
            ] + more
        }

        private func control(_ command: String, _ more: String...) -> [String] {
            [command, "--control", socket(.primary), "--control", socket(.backup)] + more
        }

        private func hasRole(_ role: String, _ lines: AsyncStream<String>) async {
            for await line in lines where line.contains(": \(role) (") { return }
            Issue.record("the server ended before it was \(role)")
        }

        /// Runs both servers, of which the primary is active, while `body` lasts.
        private func withPair(_ body: @escaping @Sendable () async throws -> Void) async throws {
            let serveBackup = serve(.backup)
            let code = try await Tool.run(serve(.primary)) { [self] primary in
                let code = try await Tool.run(serveBackup) { backup in
                    await hasRole("passive", backup)
                    await hasRole("active", primary)
                    try await body()
                }
                #expect(code == 0)
            }
            #expect(code == 0)
        }

        @Test func aSwitchoverUnderLoadFailsNoRequest() async throws {
            try await withPair { [self] in
                async let load = Tool.run([
                    "request", "--primary", ipc("clients-primary"), "--backup", ipc("clients-backup"), "--rate", "300",
                    "--count", "900", "--timeout", "30s", "--quiet",
                ])
                var terms: [UInt64] = []
                for active in ["backup", "primary", "backup"] {
                    let outcome = try await Tool.run(control("switchover"))
                    #expect(outcome.exitCode == 0, "\(outcome.error)")
                    #expect(outcome.output.hasPrefix("the \(active) is active in term "), "\(outcome.output)")
                    if let term = outcome.output.split(separator: " ").dropFirst(6).first?.prefix(while: \.isNumber) {
                        terms.append(UInt64(term) ?? 0)
                    }
                }
                #expect(terms.count == 3 && terms == terms.sorted() && Set(terms).count == 3)
                let outcome = try await load
                #expect(outcome.exitCode == 0, "\(outcome.output)")
                #expect(outcome.output.contains("900 replies, 0 failed"), "\(outcome.output)")
            }
        }

        @Test func theStatusShowsBothAndItsExitCodeSaysHowItIs() async throws {
            try await withPair { [self] in
                for seat in Seat.allCases {
                    let attributes = try FileManager.default.attributesOfItem(atPath: socket(seat))
                    #expect(attributes[.posixPermissions] as? Int == 0o600)
                }
                let both = try await Tool.run(control("status"))
                #expect(both.exitCode == 0)
                #expect(both.output.hasPrefix("orders: the primary serves, in term "), "\(both.output)")
                #expect(both.output.contains("; the backup would take over"))
                let lines = both.output.split(separator: "\n" as Character)
                #expect(lines.dropFirst().allSatisfy { $0.count <= 80 })
                let one = try await Tool.run(["status", "--control", socket(.backup)])
                #expect(one.exitCode == 0 && one.output.contains("primary, as heard by the backup"), "\(one.output)")
                let json = try await Tool.run(control("status", "--json"))
                let object = try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any]
                #expect(object?["version"] as? Int == 1 && (object?["servers"] as? [Any])?.count == 2)
            }
            let nobody = try await Tool.run(control("status"))
            #expect(nobody.exitCode == 1 && nobody.output.contains("no server runs with this control socket"))
            let none = try await Tool.run(["status", "--pair-name", "no such pair"])
            #expect(none.exitCode == 1 && none.error.contains("looked for no%20such%20pair-primary.sock"))
        }

        @Test func theSocketOfAKilledServerIsReplacedAndThatOfALivingOneIsNot() async throws {
            let code = try await Tool.run(serve(.primary), endingWith: .kill) { [self] lines in
                for await _ in lines { break }
                try await answers(.primary)
            }
            #expect(code == nil)
            #expect(FileManager.default.fileExists(atPath: socket(.primary)))
            let killed = try await Tool.run(control("status"))
            #expect(killed.exitCode == 1 && killed.output.contains("was killed"))
            let again = try await Tool.run(serve(.primary)) { [self] lines in
                for await _ in lines { break }
                try await answers(.primary)
                // A second one with the same socket says so, and does no harm.
                let second = try await Tool.run(
                    serve(.primary).map { $0 == ipc("clients-primary") || $0 == ipc("state-primary") ? $0 + "2" : $0 })
                #expect(second.exitCode == 1 && second.error.contains("Address already in use"), "\(second.error)")
                try await answers(.primary)
            }
            #expect(again == 0)
            #expect(!FileManager.default.fileExists(atPath: socket(.primary)))
        }

        private func answers(_ seat: Seat) async throws {
            // The socket is there a moment after the first line.
            var outcome = try await Tool.run(["status", "--control", socket(seat)])
            for _ in 0..<200 where outcome.exitCode == 1 {
                outcome = try await Tool.run(["status", "--control", socket(seat)])
            }
            #expect(outcome.exitCode == 3 && outcome.output.contains("waiting"), "\(outcome.output)\(outcome.error)")
        }

        @Test func garbageOnTheSocketHarmsNothing() async throws {
            try await withPair { [self] in
                for bytes in [Data(repeating: 0xFF, count: 100_000), Data("GET / HTTP/1.1\r\n\r\n".utf8), Data()] {
                    try writeRaw(bytes, to: socket(.primary))
                }
                let outcome = try await Tool.run(control("status"))
                #expect(outcome.exitCode == 0 && outcome.output.contains("the primary serves"))
            }
        }

        /// Connects to a Unix socket, writes, and goes away.
        private func writeRaw(_ bytes: Data, to path: String) throws {
            #if canImport(Glibc)
            let descriptor = Foundation.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
            #else
            let descriptor = Foundation.socket(AF_UNIX, SOCK_STREAM, 0)
            #endif
            defer { close(descriptor) }
            // What the server closes in the middle is an error and no signal.
            signal(SIGPIPE, SIG_IGN)
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
            let status = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
            try #require(status == 0)
            _ = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        }

        @Test func pauseDrainAndResumeDoWhatTheySay() async throws {
            try await withPair { [self] in
                let paused = try await Tool.run(control("pause"))
                #expect(paused.exitCode == 0 && paused.output.split(separator: "\n").count == 2, "\(paused.output)")
                let which = try await Tool.run(control("drain"))
                #expect(which.exitCode == 1 && which.error.contains("--seat primary or --seat backup"))
                let drained = try await Tool.run(control("drain", "--seat", "primary"))
                #expect(
                    drained.exitCode == 0 && drained.output.hasPrefix("the primary is drained, passive"),
                    "\(drained.error)"
                )
                let status = try await Tool.run(control("status"))
                #expect(
                    status.output.contains("the backup serves") && status.output.contains("the primary is drained and")
                )
                let refused = try await Tool.run(control("switchover"))
                #expect(refused.exitCode == 1 && refused.error.contains("cannot serve"), "\(refused.error)")
                #expect(try await Tool.run(control("resume")).exitCode == 0)
                let promoted = try await Tool.run(control("promote", "--seat", "primary"))
                #expect(promoted.exitCode == 1 && promoted.error.contains("tell it to step down"), "\(promoted.error)")
            }
        }

        @Test func theHistoryHasBothServersByTerm() async throws {
            try await withPair { [self] in
                #expect(try await Tool.run(control("switchover")).exitCode == 0)
                let outcome = try await Tool.run(control("history", "--json"))
                let records = try outcome.output.split(separator: "\n").map { line in
                    try #require(JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
                }
                let terms = records.compactMap { $0["term"] as? UInt64 }
                #expect(terms.count == records.count && terms == terms.sorted() && Set(terms).count >= 2)
                #expect(Set(records.compactMap { $0["seat"] as? String }) == ["primary", "backup"])
                #expect(records.contains { $0["cause"] as? String == "step down" })
                let text = try await Tool.run(control("history")).output
                #expect(
                    text.contains(": the primary became active") && text.contains(": the backup became active"),
                    "\(text)")
            }
        }
    }
}
