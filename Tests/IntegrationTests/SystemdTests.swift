import Foundation
import TestSupport
import Testing

extension Processes {
    /// The tool under a service manager, which is played by the test.
    @Suite(.timeLimit(.minutes(1))) struct SystemdTests {
        private let folder = TemporaryFolder()

        private func serve(_ seat: String, _ prefix: [String], _ more: String...) throws -> ToolProcess {
            let other = seat == "primary" ? "backup" : "primary"
            return try ToolProcess(
                "bstar",
                [
                    "serve", "--no-control", "--seat", seat, "--frontend", folder.ipc("clients-\(seat)"), "--listen",
                    folder.ipc("state-\(seat)"), "--connect", folder.ipc("state-\(other)"), "--interval", "50ms",
                    "--timeout", "1s",
                ] + more, prefix: prefix)
        }

        @Test("Ready, then what it is, then the watchdog, and at last that it stops")
        func lifetime() async throws {
            let path = folder.path + "/notify"
            let listener = try #require(DatagramListener(path))
            let primary = try serve("primary", ["env", "NOTIFY_SOCKET=\(path)", "WATCHDOG_USEC=200000"])
            var seen: [String] = []
            var datagrams = listener.datagrams.makeAsyncIterator()
            func wait(for text: String) async throws {
                while let datagram = await datagrams.next() {
                    seen.append(datagram)
                    if datagram.hasPrefix(text) { return }
                }
                Issue.record("waited in vain for \(text): \(seen)")
            }
            try await wait(for: "READY=1")
            #expect(seen == ["READY=1\nSTATUS=waiting"])
            let backup = try serve("backup", [])
            try await wait(for: "STATUS=active in term ")
            #expect(seen.last?.hasSuffix(": the peer says it is backup") == true)
            seen = []
            for _ in 0..<3 { try await wait(for: "WATCHDOG=1") }
            primary.send(SIGTERM)
            try await wait(for: "STOPPING=1")
            #expect(await primary.exitCode() == 0)
            backup.send(SIGTERM)
            #expect(await backup.exitCode() == 0)
        }

        @Test("In the journal each line has one priority, those of the log their own and errors that of a warning")
        func priorities() async throws {
            let path = folder.path + "/journal"
            let journal = ["env", "JOURNAL_STREAM=1:2", "sh", "-c", "exec \"$@\" 2>\(path)", "sh"]
            func lines() -> [Substring] {
                ((try? String(contentsOfFile: path, encoding: .utf8)) ?? "").split(separator: "\n")
            }
            let primary = try serve("primary", journal, "--log-level", "info")
            try await eventually("the log") { lines().contains { $0.hasPrefix("<4>the peer has not been heard") } }
            primary.send(SIGTERM)
            #expect(await primary.exitCode() == 0)
            #expect(lines().allSatisfy { $0.wholeMatch(of: /<[0-7]>[^<].*/) != nil }, "\(lines())")
            let listener = try #require(PortListener())
            let failed = try serve("primary", journal, "--frontend", listener.endpoint)
            #expect(await failed.exitCode() == 1)
            #expect(lines().contains { $0.hasPrefix("<4>bstar: ") && $0.contains("cannot bind") }, "\(lines())")
        }
    }
}
