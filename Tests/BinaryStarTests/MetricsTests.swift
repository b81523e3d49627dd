import BinaryStarCore
import CoreMetrics
import Foundation
import MetricsTestKit
import TestSupport
import Testing
import ZeroMQ

@testable import BinaryStar

/// What the metrics backend is told, and how often.
@Suite(.serialized, .timeLimit(.minutes(2))) struct MetricsTests {
    private let own = [("pair", ""), ("seat", "primary")]

    private func star(_ endpoints: PairEndpoints, _ metrics: TestMetrics) throws -> BinaryStar {
        try BinaryStar(configuration: endpoints.configuration(.primary, timing: .patient), metrics: metrics)
    }

    private func latest(_ name: MetricName, _ more: [(String, String)], _ metrics: TestMetrics) throws -> Double? {
        try metrics.expectMeter(name.rawValue, own + more).lastValue
    }

    private func latest(_ name: MetricName, _ metrics: TestMetrics) throws -> Double? {
        try latest(name, [], metrics)
    }

    private func total(_ name: MetricName, _ metrics: TestMetrics) -> Int64 {
        metrics.counterTotal(label: name.rawValue)
    }

    @Test func theArticleListsEveryMetric() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")
        let article = try String(
            contentsOf: root.appending(path: "Sources/BinaryStar/BinaryStar.docc/Observability.md"), encoding: .utf8)
        for name in MetricName.allCases { #expect(article.contains("| `\(name.rawValue)` |"), "\(name.rawValue)") }
    }

    @Test func valuesOfDimensions() {
        #expect("tooManyFrames".snakeCase == "too_many_frames")
        #expect(Set(Cause.all.map(\.metricValue)).count == Cause.all.count)
    }

    @Test func aStarTellsItsRoleItsRequestsAndItsPeer() async throws {
        let metrics = TestMetrics()
        let endpoints = PairEndpoints()
        let star = try star(endpoints, metrics)
        let peer = try endpoints.peer(of: .primary)
        let voter = try await star.addVoter(.router, bind: endpoints.folder.ipc("voter")) { request in
            if request.text == "fail" { throw CancellationError() }
            return request.body
        }
        try await running(star) {
            try await eventually("role") { try self.latest(.role, [("role", "primary")], metrics) == 1 }
            peer.beat(.backup)
            try await star.becomes(.active)
            let client = try RawClient(voter)
            for number in 0..<10 { #expect(try await client.request("\(number)") == "\(number)") }
            client.socket.send("", "fail")
            try await eventually("requests") {
                total(.requestsAdmitted, metrics) == 11 && total(.handlersFailed, metrics) == 1
            }
            #expect(total(.repliesSent, metrics) == 10 && total(.handlersEnded, metrics) == 11)
            #expect(try latest(.role, [("role", "active")], metrics) == 1)
            #expect(try latest(.role, [("role", "primary")], metrics) == 0)
            #expect(try latest(.serving, metrics) == 1)
            #expect(try latest(.term, metrics) == Double(await star.status.term))
            #expect(try latest(.heartbeatAge, metrics) ?? -1 >= 0)
            #expect(total(.heartbeatsReceived, metrics) > 0)
            #expect(
                try metrics.expectCounter(
                    MetricName.transitions.rawValue, own + [("cause", "peer_backup")]
                ).totalValue == 1)
            #expect(try metrics.expectTimer(MetricName.handlerTime.rawValue, own).values.allSatisfy { $0 > 0 })
        }
        // It has stopped.
        for role in Role.allCases { #expect(try latest(.role, [("role", "\(role)")], metrics) == 0) }
        #expect(try latest(.serving, metrics) == 0)
        #expect(try latest(.inFlight, metrics) == 0)
        #expect(total(.heartbeatsSent, metrics) == Int64(await star.statistics.heartbeatsSent))
    }

    @Test("Requests are counted without a call of the backend for each")
    func theBackendIsToldInBatches() async throws {
        let metrics = TestMetrics()
        let endpoints = PairEndpoints()
        let star = try star(endpoints, metrics)
        let peer = try endpoints.peer(of: .primary)
        peer.beat(.backup)
        let voter = try await star.addInlineVoter(.router, bind: endpoints.folder.ipc("voter")) { $0.body }
        let count = 2_000
        try await running(star) {
            try await star.becomes(.active)
            let client = try BinaryStarClient(
                configuration: .init(primary: voter, backup: endpoints.folder.ipc("nobody")), metrics: metrics)
            await withDiscardingTaskGroup { group in
                for _ in 0..<count { group.addTask { _ = try? await client.request("x") } }
            }
            await client.close()
        }
        let admitted = try metrics.expectCounter(MetricName.requestsAdmitted.rawValue, own)
        #expect(admitted.totalValue == count)
        // Once with each heartbeat, and once at the end.
        #expect(admitted.values.count <= (await star.statistics.heartbeatsSent) + 1)
        #expect(admitted.values.count < count / 10)
        let handled = try metrics.expectTimer(MetricName.handlerTime.rawValue, own)
        #expect(handled.values.count < count / 2, "one in each turn")
        let endpointsOfPair = [("primary", voter), ("backup", endpoints.folder.ipc("nobody"))]
        let attempts = try metrics.expectCounter(MetricName.clientAttempts.rawValue, endpointsOfPair)
        // On a busy machine the server may stall, and what it refuses then is sent again.
        #expect(attempts.totalValue >= count)
        #expect(attempts.values.count < count / 10)
        #expect(try metrics.expectTimer(MetricName.clientRoundTrip.rawValue, endpointsOfPair).values.count < count / 2)
    }

    @Test func aClientTellsItsAttemptsAndFailovers() async throws {
        let metrics = TestMetrics()
        let folder = PairEndpoints()
        let primary = try PosedServer(folder.primary)
        let backup = try PosedServer(folder.backup)
        let client = try BinaryStarClient(
            configuration: .init(primary: folder.primary, backup: folder.backup, attemptTimeout: patience),
            metrics: metrics)
        let dimensions = [("primary", folder.primary), ("backup", folder.backup)]
        // What was never told is zero.
        func meter(_ name: MetricName, _ seat: Seat) throws -> Double {
            try metrics.expectMeter(name.rawValue, dimensions + [("server", "\(seat)")]).lastValue ?? 0
        }
        let task = Task { try await client.request("x") }
        primary.answer(try await primary.next(), .refusal, term: 4)
        backup.answer(try await backup.next(), term: 4)
        #expect(try await task.value.server == .backup)
        try await eventually("pushed") { total(.clientReplies, metrics) == 1 }
        #expect(total(.clientAttempts, metrics) == 2)
        let refused = try metrics.expectCounter(
            MetricName.clientFailovers.rawValue, dimensions + [("reason", "refused")])
        #expect(refused.totalValue == 1)
        // These are told behind the counters.
        try await eventually("following the backup") {
            try meter(.clientFollowing, .backup) == 1 && meter(.clientFollowing, .primary) == 0
        }
        try await eventually("connected to both") {
            try meter(.clientConnected, .backup) == 1 && meter(.clientConnected, .primary) == 1
        }
        let cancelled = Task { try await client.request("y") }
        _ = try await backup.next()
        cancelled.cancel()
        _ = await cancelled.result
        try await eventually("cancelled") { total(.clientFailures, metrics) == 1 }
        await client.close()
        for seat in Seat.allCases { #expect(try meter(.clientFollowing, seat) == 0) }
    }

    @Test func withoutABackendNothingIsKept() throws {
        #expect(StarMetrics(NOOPMetricsHandler.instance, PairEndpoints().configuration(.primary)) == nil)
        #expect(ClientMetrics(NOOPMetricsHandler.instance, .init(primary: "ipc:///a", backup: "ipc:///b")) == nil)
    }
}
