import BinaryStarCore
import Foundation
import Subprocess
import TestSupport
import Testing

extension Processes {
    @Suite(.timeLimit(.minutes(3))) struct CheckAndWatchTests {
        private let folder = TemporaryFolder()

        private func path(_ name: String) -> String { "\(folder.path)/\(name)" }
        private func ipc(_ name: String) -> String { folder.ipc(name) }
        private var sockets: [String] { ["--control", path("primary.sock"), "--control", path("backup.sock")] }

        private func serve(_ seat: String) -> [String] {
            let other = seat == "primary" ? "backup" : "primary"
            return [
                "serve", "--seat", seat, "--frontend", ipc("clients-\(seat)"), "--listen", ipc("state-\(seat)"),
                "--connect",
                // Not one of the two takes a delay of a busy machine for anything.
                ipc("state-\(other)"), "--interval", "50ms", "--timeout", "20s", "--control", path("\(seat).sock"),
            ]
        }

        private func withPair(_ body: @escaping @Sendable () async throws -> Void) async throws {
            let serveBackup = serve("backup")
            _ = try await Tool.run(serve("primary")) { primary in
                _ = try await Tool.run(serveBackup) { backup in
                    for await line in backup where line.contains(": passive (") { break }
                    for await line in primary where line.contains(": active (") { break }
                    try await body()
                }
            }
        }

        @Test func aPairThatAgreesPassesTheCheck() async throws {
            try await withPair { [self] in
                let outcome = try await Tool.run(["check", "--for", "1s"] + sockets)
                #expect(outcome.exitCode == 0, "\(outcome.output)\(outcome.error)")
                #expect(
                    outcome.output.contains("nothing is wrong") && outcome.output.contains("the peer hears this server")
                )
                #expect(outcome.output.split(separator: "\n").allSatisfy { $0.count <= 80 })
                // One that is about to be started beside them, with other words.
                let other = try await Tool.run([
                    "check", "--for", "1s", "--json", "--seat", "primary", "--pair-name", "other", "--listen",
                    ipc("state-other"), "--connect", ipc("state-primary"),
                ])
                #expect(other.exitCode == 1)
                let object = try JSONSerialization.jsonObject(with: Data(other.output.utf8)) as? [String: Any]
                let findings = object?["findings"] as? [[String: Any]] ?? []
                let failures = Set(
                    findings.filter { $0["level"] as? String == "failure" }.compactMap { $0["topic"] as? String })
                #expect(failures.isSuperset(of: ["name", "seat", "timing"]), "\(other.output)")
            }
        }

        @Test func aPortThatIsTakenIsFound() async throws {
            let listener = try #require(PortListener())
            let outcome = try await Tool.run([
                "check", "--for", "100ms", "--seat", "primary", "--listen", listener.endpoint, "--connect",
                ipc("nobody"),
            ])
            #expect(outcome.exitCode == 1 && outcome.output.contains("already in use"), "\(outcome.output)")
            #expect(try await Tool.run(["check", "--seat", "primary"]).exitCode == 64)
        }

        @Test func withoutATerminalWatchWritesLines() async throws {
            try await withPair { [self] in
                let code = try await Tool.run(["watch"] + sockets) { lines in
                    for await line in lines {
                        #expect(!line.contains("\u{1B}") && line.contains("the primary serves"))
                        break
                    }
                }
                #expect(code == 0)
            }
            #expect(try await Tool.run(["watch"] + sockets).exitCode == 1)
        }

        #if os(Linux)
        @Test func inATerminalWatchDrawsAndGivesItBack() async throws {
            let executable = Tool.executableURL("bstar").path
            try await withPair { [self] in
                // The key is pressed before the first look.
                let command =
                    "stty rows 24 cols 80; env -u NO_COLOR TERM=xterm \(executable) watch \(sockets.joined(separator: " "))"
                let outcome = try await Tool.shell("printf q | script -qefc '\(command)' /dev/null")
                #expect(outcome.exitCode == 0, "\(outcome.output)")
                let text = outcome.output
                #expect(
                    text.contains("\u{1B}[?1049h") && text.contains("q quits") && text.contains("ACTIVE"), "\(text)")
                #expect(text.contains("\u{1B}[?25h\u{1B}[?1049l"))
                // In the background, where what it writes can be waited for.
                let file = path("typescript")
                let plainCommand = """
                    \(executable) watch \(sockets.joined(separator: " ")) </dev/tty & watch=$!; \
                    until grep -q serves \(file); do kill -0 $watch || exit 9; done; kill $watch; wait $watch
                    """
                let plain = try await Tool.shell("NO_COLOR=1 TERM=xterm script -qefc '\(plainCommand)' \(file)")
                #expect(plain.exitCode == 0, "\(plain.output)")
                #expect(
                    !plain.output.contains("\u{1B}") && plain.output.contains("the primary serves"), "\(plain.output)")
            }
        }
        #endif

        @Test func itsUsualPlaceIsFoundByItself() async throws {
            let executable = Tool.executableURL("bstar").path
            let serve =
                "\(executable) serve --seat primary --frontend \(ipc("f")) --listen \(ipc("l")) --connect \(ipc("c"))"
            let outcome = try await Tool.shell(
                """
                export RUNTIME_DIRECTORY=\(path("run"))
                \(serve) & server=$!
                until \(executable) status 2>/dev/null; [ $? -eq 3 ]; do kill -0 $server || exit 9; done
                stat -c %a $RUNTIME_DIRECTORY $RUNTIME_DIRECTORY/primary.sock
                kill $server; wait $server
                ls $RUNTIME_DIRECTORY | wc -l
                """)
            #expect(outcome.exitCode == 0, "\(outcome.output)\(outcome.error)")
            #expect(outcome.output.hasSuffix("700\n600\nprimary: stopped\n0\n"), "\(outcome.output)")
        }
    }
}
