import BinaryStarCore
import Foundation
import Subprocess
import TestSupport
import Testing

/// A line of `bstar request --json`.
private struct Line: Decodable {
    struct Distribution: Decodable {
        var p50: Int?
        var p999: Int?
        var max: Int?
    }

    struct Failover: Decodable {
        var from: Seat
        var to: Seat
        var lengthUs: Int
    }

    var event: String
    var time: Int
    var at: Int64
    var number: Int?
    var server: Seat?
    var term: UInt64?
    var attempts: Int?
    var latencyUs: Latency?
    var body: [String]?
    var bytes: Int?
    var code: String?
    var from: Seat?
    var to: Seat?
    var lengthUs: Int?
    var replied: Int?
    var failed: Int?
    var unanswered: Int?
    var unsent: Int?
    var elapsedS: Double?
    var failovers: Int?
    var latestFailovers: [Failover]?
    var repliesByServer: [String: Int]?
    var openGapUs: Int?

    /// That of a reply, or of all of them.
    enum Latency: Decodable {
        case one(Int)
        case all(Distribution)

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            do { self = .one(try container.decode(Int.self)) } catch {
                self = .all(try container.decode(Distribution.self))
            }
        }
    }

    init(_ text: String) throws {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        self = try decoder.decode(Line.self, from: Data(text.utf8))
    }

    static func all(_ output: String) throws -> [Line] {
        try output.split(separator: "\n").map { try Line(String($0)) }
    }
}

extension Processes {
    @Suite(.timeLimit(.minutes(2))) struct RequestTests {
        private let folder = TemporaryFolder()

        private func ipc(_ name: String) -> String { folder.ipc(name) }

        private func server(_ seat: String) -> [String] {
            let other = seat == "primary" ? "backup" : "primary"
            return [
                "serve", "--no-control", "--seat", seat, "--frontend", ipc("clients-\(seat)"), "--listen",
                ipc("state-\(seat)"),
                "--connect", ipc("state-\(other)"), "--interval", "100ms", "--timeout", "1s",
            ]
        }

        private func request(_ more: String...) -> [String] {
            ["request", "--primary", ipc("clients-primary"), "--backup", ipc("clients-backup"), "--timeout", "30s"]
                + more
        }

        @Test func jsonTellsEachReplyAndTheSummary() async throws {
            let request = request("--json", "--rate", "200", "--count", "40", "hello \"you\"")
            _ = try await Tool.run(server("primary")) { _ in
                let outcome = try await Tool.run(request)
                #expect(outcome.exitCode == 0)
                let lines = try Line.all(outcome.output)
                let replies = lines.filter { $0.event == "reply" }
                #expect(Set(replies.compactMap(\.number)) == Set(1...40))
                #expect(
                    replies.allSatisfy { $0.body == ["hello \"you\""] && $0.server == .primary && $0.attempts ?? 0 > 0 }
                )
                #expect(Set(replies.map(\.term)).count == 1)
                let summary = try #require(lines.last)
                #expect(summary.event == "summary")
                #expect((summary.replied, summary.failed, summary.unanswered) == (40, 0, 0))
                #expect(summary.repliesByServer == ["primary": 40])
                // 39 periods of 5 ms.
                #expect(summary.elapsedS ?? 0 >= 0.195)
                guard case .all(let latency)? = summary.latencyUs else { throw CocoaError(.coderInvalidValue) }
                #expect(latency.p50 ?? .max <= latency.p999 ?? 0 && latency.p999 ?? .max <= latency.max ?? 0)
            }
        }

        @Test func linesOfStandardInputAreAnsweredInTheirOrder() async throws {
            let request = request("-", "--in-flight", "50")
            let lines = (1...2_000).map { "line \($0)" } + ["", "no line end"]
            _ = try await Tool.run(server("primary")) { _ in
                let outcome = try await Tool.run(request, input: lines.joined(separator: "\n"))
                #expect(outcome.exitCode == 0)
                #expect(outcome.output == lines.map { $0 + "\n" }.joined())
                #expect(outcome.error.contains("2002 replies, 0 failed"))
            }
        }

        @Test func aLineWithoutAReplyIsAnEmptyLine() async throws {
            let outcome = try await Tool.run(
                request().dropLast() + ["100ms", "-", "--in-flight", "2"], input: "a\nb\n")
            #expect(outcome.exitCode == 1)
            #expect(outcome.output == "\n\n")
            #expect(outcome.error.contains("2  failed after"))
            #expect(outcome.error.contains("0 replies, 2 failed"))
        }

        @Test func manyInFlightAreAnsweredAndNotEachIsShown() async throws {
            let request = request("--in-flight", "64", "--count", "5000", "--payload", "1KiB")
            _ = try await Tool.run(server("primary")) { _ in
                let outcome = try await Tool.run(request)
                #expect(outcome.exitCode == 0)
                #expect(outcome.output.contains("5000 replies, 0 failed"))
                #expect(outcome.output.contains("p99.9"))
                #expect(outcome.output.split(separator: "\n").count < 100)
            }
        }

        @Test(arguments: [Signal.interrupt, .terminate]) func aSignalEndsWithTheSummary(_ signal: Signal) async throws {
            let request = request("--json", "--rate", "500")
            _ = try await Tool.run(server("primary")) { _ in
                let code = try await Tool.run(request) { lines, send in
                    var last: Line?
                    var count = 0
                    for await text in lines {
                        last = try Line(text)
                        count += 1
                        if count == 20 { send(signal) }
                    }
                    #expect(last?.event == "summary")
                    #expect(last?.replied ?? 0 >= 20 && last?.failed == 0)
                }
                #expect(code == 0)
            }
        }

        @Test func whatWasDueInAnOutageCounts() async throws {
            // Nobody serves: one waits, and the others have no room.
            let code = try await Tool.run(request("--rate", "1000", "--in-flight", "1", "--gap", "1ms")) {
                lines, send in
                var text = ""
                for await line in lines {
                    text += line
                    if line.contains("NO REPLY") { send(.interrupt) }
                }
                #expect(text.contains("due but never sent"))
                #expect(text.contains("1 still waited for a reply"))
                #expect(text.contains("at the end"))
            }
            #expect(code == 0)
        }

        @Test func anOutageShowsInEachRequestThatItDelayed() async throws {
            let server = server("primary")
            let request = request("--rate", "100", "--count", "30", "--in-flight", "1")
            let code = try await Tool.run(request) { lines, _ in
                var process: ToolProcess?
                var latencies: String?
                for await line in lines {
                    // All 30 were due within 0.3 s, and nobody serves until a second has passed.
                    if line.contains("NO REPLY"), process == nil { process = try ToolProcess("bstar", server) }
                    if line.contains("from due to reply") { latencies = line }
                }
                let words = try #require(latencies).split(separator: " ")
                let median = try #require(words.firstIndex(of: "p50"))
                let value = try #require(Double(words[median + 1]))
                #expect(words[median + 2] == "s" || value >= 500, "\(words)")
            }
            #expect(code == 0)
        }

        @Test func aFailoverIsToldWithItsLength() async throws {
            let primary = try ToolProcess("bstar", server("primary"))
            let request = request("--json", "--rate", "100")
            _ = try await Tool.run(server("backup")) { _ in
                let code = try await Tool.run(request) { lines, send in
                    var failover: Line?
                    var last: Line?
                    var hasKilled = false
                    for await text in lines {
                        let line = try Line(text)
                        last = line
                        if line.event == "reply", line.server == .primary, !hasKilled {
                            hasKilled = true
                            primary.send(SIGKILL)
                        } else if line.event == "failover" {
                            failover = line
                        } else if line.event == "reply", line.server == .backup, failover != nil {
                            send(.interrupt)
                        }
                    }
                    #expect(failover?.from == .primary && failover?.to == .backup)
                    #expect(failover?.lengthUs ?? 0 > 0)
                    #expect(last?.event == "summary" && last?.failovers == 1)
                    #expect(last?.latestFailovers?.first?.lengthUs == failover?.lengthUs)
                    #expect(
                        last?.latestFailovers?.first?.from == .primary && last?.latestFailovers?.first?.to == .backup)
                }
                #expect(code == 0)
            }
        }

        @Test func failuresAreToldAndExitWith1() async throws {
            let outcome = try await Tool.run(
                request().dropLast() + ["100ms", "--count", "2", "--every", "1ms", "--json"])
            #expect(outcome.exitCode == 1)
            let lines = try Line.all(outcome.output)
            #expect(lines.filter { $0.event == "failure" }.map(\.code) == ["timedOut", "timedOut"])
            #expect(lines.last?.failed == 2 && lines.last?.openGapUs ?? 0 > 0)
        }

        @Test func itEndsQuietlyWhenNobodyReadsTheOutput() async throws {
            let tool = Tool.executableURL("bstar").path
            let request = request("--rate", "500", "--json").joined(separator: " ")
            _ = try await Tool.run(server("primary")) { _ in
                // The shell ends when the tool does, and adds its exit code.
                let outcome = try await Tool.shell("{ '\(tool)' \(request); echo \"exit $?\" >&2; } | head -n 3")
                #expect(try Line.all(outcome.output).count == 3)
                // It says nothing more, but what the client logs.
                #expect(!outcome.error.contains("replies"))
                #expect(outcome.error.hasSuffix("exit 0\n"))
            }
        }
    }
}
