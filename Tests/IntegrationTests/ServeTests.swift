import BinaryStarCore
import Foundation
import TestSupport
import Testing

extension Processes {
    @Suite(.timeLimit(.minutes(2))) struct ServeTests {
        private let folder = TemporaryFolder()

        private func ipc(_ name: String) -> String { folder.ipc(name) }

        private func arguments(_ seat: String, _ more: String...) -> [String] {
            let other = seat == "primary" ? "backup" : "primary"
            return [
                "serve", "--no-control", "--seat", seat, "--frontend", ipc("clients-\(seat)"), "--listen",
                ipc("state-\(seat)"),
                "--connect", ipc("state-\(other)"), "--interval", "100ms", "--timeout", "1s",
            ] + more
        }

        private var request: [String] {
            ["request", "--primary", ipc("clients-primary"), "--backup", ipc("clients-backup"), "--timeout", "30s"]
        }

        @Test(arguments: [[], ["--inline"]]) func aLonePrimaryServesAndStopsOnSIGTERM(_ option: [String]) async throws {
            let request = request
            let code = try await Tool.run(arguments("primary") + option) { _ in
                let outcome = try await Tool.run(request + ["--count", "3", "--every", "10ms", "hello"])
                #expect(outcome.exitCode == 0)
                #expect(outcome.output.contains("primary"))
                #expect(outcome.output.contains("\"hello\""))
                #expect(outcome.output.contains("3 replies, 0 failed"))
            }
            #expect(code == 0)
        }

        #if os(Linux)
        @Test("The memory of code that only the start has used is given back, and the server serves on")
        func codeOfTheStart() async throws {
            let (frontend, request) = (ipc("clients-primary"), request)
            let code = try await Tool.run(arguments("primary", "--inline")) { _ in
                try await eventually("its memory is less than it was") {
                    guard let status = status(ofProcessWith: frontend) else { return false }
                    return try kilobytes("VmRSS", in: status) < kilobytes("VmHWM", in: status) - 3_000
                }
                let outcome = try await Tool.run(request + ["--count", "3", "--every", "10ms", "hello"])
                #expect(outcome.output.contains("3 replies, 0 failed"))
            }
            #expect(code == 0)
        }

        /// What the kernel says of the process that has this argument.
        private func status(ofProcessWith argument: String) -> String? {
            let folders = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
            let folder = folders.first { folder in
                let arguments = try? String(contentsOfFile: "/proc/\(folder)/cmdline", encoding: .utf8)
                return arguments?.split(separator: "\0").contains { $0 == argument } ?? false
            }
            return folder.flatMap { try? String(contentsOfFile: "/proc/\($0)/status", encoding: .utf8) }
        }

        private func kilobytes(_ name: String, in status: String) throws -> Int {
            let line = status.split(separator: "\n").first { $0.hasPrefix(name) }
            return try #require(line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) })
        }
        #endif

        @Test(arguments: [[], ["--inline"]]) func theAccessLogTellsWhatWasServed(_ option: [String]) async throws {
            let log = folder.path + "/access.jsonl"
            let request = request
            _ = try await Tool.run(arguments("primary", "--access-log", log) + option) { _ in
                let outcome = try await Tool.run(request + ["--count", "2", "--every", "1ms", "hello"])
                #expect(outcome.exitCode == 0)
            }
            let records = Record.read(log)
            let events: [Record.Event] = [.started, .role, .admitted, .replied, .admitted, .replied]
            #expect(records.map(\.event) == events)
            #expect(records.allSatisfy { $0.seat == .primary })
            #expect(Set(records.dropFirst().map(\.term)).count == 1)
            #expect(Set(records.dropFirst(2).map(\.client)).count == 1)
            // What was admitted was so before its reply went out.
            let instants = records.compactMap(\.at)
            #expect(instants == instants.sorted() && instants.count == records.count)
            try Checker(records).checkAll()
        }

        @Test func anUpstreamServiceBecomesAPair() async throws {
            let request = request
            let upstream = [
                "serve", "--no-control", "--seat", "primary", "--frontend", ipc("service"), "--listen", ipc("s1"),
                "--connect", ipc("s2"),
                // A service that takes each delay of a busy machine for a stall of its own holds its replies back.
                "--interval", "20ms", "--timeout", "400ms",
            ]
            let front = arguments("primary", "--upstream", ipc("service"))
            let code = try await Tool.run(upstream) { _ in
                let code = try await Tool.run(front) { _ in
                    let outcome = try await Tool.run(request + ["--count", "5", "--every", "10ms"])
                    #expect(outcome.exitCode == 0, "\(outcome.output)")
                    #expect(outcome.output.contains("5 replies, 0 failed"))
                }
                #expect(code == 0)
            }
            #expect(code == 0)
        }

        @Test func anEndpointInUseIsAFailureThatSaysSo() async throws {
            // Unix sockets are taken over by who binds last; a port is not.
            let listener = try #require(PortListener())
            let outcome = try await Tool.run(
                arguments("primary").map { $0 == ipc("clients-primary") ? listener.endpoint : $0 })
            #expect(outcome.exitCode == 1)
            #expect(outcome.error.contains("cannot bind \(listener.endpoint): Address already in use"))
        }

        @Test(arguments: [
            (["serve"], "say which server"),
            (["serve", "--seat", "primary"], "--frontend"),
            (["serve", "-p", "--interval", "0s"], "interval is"),
            (["serve", "-p", "--interval", "1s", "--timeout", "1s"], "at least two intervals"),
            (["serve", "-p", "--interval", "often"], "--interval"),
            (["serve", "-p", "--access-log", "/nowhere/file"], "cannot write \"/nowhere/file\""),
            (["serve", "-p", "--listen", "http://x"], "transport must be tcp or ipc"),
            (["serve", "-p", "--connect", "tcp://127.0.0.1:5003"], "own listen endpoint"),
            (["request", "--count", "0"], "at least 1"),
            (["request", "--primary", "nonsense"], "primary is \"nonsense\""),
            (["demo", "--interval", "1h"], "from 20ms to 2s"),
        ])
        func wrongArgumentsExitWith64AndAMessage(_ arguments: [String], _ message: String) async throws {
            let outcome = try await Tool.run(arguments)
            #expect(outcome.exitCode == 64)
            #expect(outcome.error.contains(message), "\(outcome.error)")
        }

        @Test func aRequestWithoutAReplyExitsWith1() async throws {
            let outcome = try await Tool.run(request.dropLast(2) + ["--count", "1", "--timeout", "100ms"])
            #expect(outcome.exitCode == 1)
            #expect(outcome.output.contains("within 0.1 seconds"))
        }
    }
}
