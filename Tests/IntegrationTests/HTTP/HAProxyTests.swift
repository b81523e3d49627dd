import BinaryStarCore
import Foundation
import Synchronization
import TestSupport
import Testing

extension Faults {
    /// A load balancer in front of the example WebPair, through a switchover and a kill.
    @Suite(
        .enabled(if: Installed.haproxy != nil, "HAProxy is not installed: apt-get install haproxy"),
        .timeLimit(.minutes(3))
    )
    struct HAProxyTests {
        private let folder = TemporaryFolder()

        private struct Server {
            var process: Background
            var web: String
            var status: String

            init(_ seat: Seat, in folder: TemporaryFolder) async throws {
                process = try Background("WebPair", ["\(seat)", folder.path], in: folder)
                status = String(try await process.line(with: "status at http://").dropLast())
                web = String(try await process.line(with: "web at http://").dropLast())
            }
        }

        /// The part between `backend` and the end is the article's, with other addresses.
        private func configuration(_ servers: [(Seat, Server)]) -> String {
            let lines = servers.map { seat, server in
                "    server \(seat) \(server.web) check addr 127.0.0.1 port \(server.status.split(separator: ":")[1])"
            }
            return """
                defaults
                    mode http
                    timeout connect 1s
                    timeout client 10s
                    timeout server 10s
                frontend web
                    bind \(folder.path)/front.sock
                    default_backend pair
                backend pair
                    option httpchk GET /active
                    http-check expect status 200
                    option redispatch 1
                    retries 3
                    retry-on conn-failure empty-response 503
                    default-server inter 250ms fastinter 100ms downinter 100ms fall 1 rise 1 on-marked-down shutdown-sessions
                \(lines.joined(separator: "\n"))

                """
        }

        /// What was asked of the load balancer, and what it answered.
        private final class Load: Sendable {
            struct Answer: Sendable {
                var status: Int
                var server: Seat?
                var term: UInt64?
            }

            private let answers = Mutex<[Answer]>([])

            var all: [Answer] { answers.withLock { $0 } }

            /// Asks, now and then, until the task is cancelled.
            func run(_ path: String) async throws {
                while !Task.isCancelled {
                    try? await Task.sleep(for: .milliseconds(2))
                    let answer = try await TestSocket(path: path).get("/")
                    let words = answer.body.split(whereSeparator: \.isWhitespace)
                    let isVisit = answer.status == 200 && words.count == 8
                    answers.withLock {
                        $0.append(
                            Answer(
                                status: answer.status, server: isVisit ? Seat(rawValue: String(words[4])) : nil,
                                term: isVisit ? UInt64(words[7]) : nil))
                    }
                }
            }

            /// Waits until `seat` has answered since there were `count` answers.
            func wait(for seat: Seat, since count: Int = 0) async throws {
                try await eventually("an answer of the \(seat); \(all.suffix(3))") {
                    all.dropFirst(count).contains { $0.server == seat }
                }
            }
        }

        @Test func requestsFollowTheActiveServerThroughASwitchoverAndAKill() async throws {
            let primary = try await Server(.primary, in: folder)
            let backup = try await Server(.backup, in: folder)
            let file = folder.path + "/haproxy.cfg"
            try configuration([(.primary, primary), (.backup, backup)]).write(
                toFile: file, atomically: true, encoding: .utf8)
            let haproxy = try Background(try #require(Installed.haproxy), ["-db", "-f", file], in: folder)
            try await eventually("the load balancer; \(haproxy.text)") {
                (try? await TestSocket(path: folder.path + "/front.sock").get("/").status) == 200
            }
            let load = Load()
            let path = folder.path + "/front.sock"
            let asking = Task { try await load.run(path) }
            try await load.wait(for: .primary)

            let switched = try await Tool.run(
                ["switchover"] + Seat.allCases.flatMap { ["--control", folder.path + "/control-\($0)"] })
            #expect(switched.exitCode == 0, "\(switched.error)")
            try await load.wait(for: .backup, since: load.all.count)

            let count = load.all.count
            try await backup.process.end(with: SIGKILL)
            try await load.wait(for: .primary, since: count)
            asking.cancel()
            try await asking.value
            try await haproxy.end()

            let answers = load.all
            // Nobody has answered but who was active: the first, the second, and the first again, in terms that grow.
            let visits = answers.compactMap { answer in answer.server.map { (server: $0, term: answer.term ?? 0) } }
            let turns = zip(visits, visits.dropFirst()).filter { $0.server != $1.server }.map(\.1.server)
            #expect(turns == [.backup, .primary])
            #expect(
                zip(visits, visits.dropFirst()).allSatisfy { $0.term <= $1.term } && Set(visits.map(\.term)).count == 3)
            // Between them the load balancer says that there is nobody.
            #expect(Set(answers.filter { $0.server == nil }.map(\.status)).isSubset(of: [502, 503]))
        }
    }
}
