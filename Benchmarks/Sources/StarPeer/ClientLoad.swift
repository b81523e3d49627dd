import BinaryStar
import BinaryStarCore
import Foundation
import ZeroMQ

/// One client that keeps a window of requests in flight, each by a task of its own: what `load` is in C.
///
/// It prints what that prints under the same names: `lost` are requests that failed, `wrong` those whose reply is not what was
/// sent.
struct ClientLoad {
    let primary: String
    let backup: String
    let window: Int
    let seconds: Double
    let size: Int

    private struct Count {
        var replies = 0
        var lost = 0
        var wrong = 0
    }

    private static let warmUp = Duration.milliseconds(300)

    func run() async throws {
        var configuration = BinaryStarClientConfiguration(primary: primary, backup: backup)
        configuration.maximumInFlight = window
        let client = try BinaryStarClient(configuration: configuration)
        let body = Message([UInt8](repeating: 120, count: size))
        // Waits until it is served.
        _ = try await client.request(body)
        let start = MonotonicTime.now + Self.warmUp
        let end = start + .seconds(seconds)
        async let before = processorTime(at: start)
        async let after = processorTime(at: end)
        let count = await withTaskGroup(of: Count.self) { group in
            for _ in 0..<window { group.addTask { await Self.ask(client, body, from: start, to: end) } }
            return await group.reduce(into: Count()) { sum, one in
                sum.replies += one.replies
                sum.lost += one.lost
                sum.wrong += one.wrong
            }
        }
        let used = try await after - before
        await client.close()
        print(
            """
            {"replies_per_s":\(Double(count.replies) / seconds),"replies":\(count.replies),"lost":\(count.lost),\
            "wrong":\(count.wrong),"own_cpu":\(used / seconds)}
            """)
    }

    /// Asks again and again, and counts the replies between the two instants.
    private static func ask(
        _ client: BinaryStarClient, _ body: Message, from start: MonotonicTime, to end: MonotonicTime
    ) async -> Count {
        var count = Count()
        while true {
            let reply = try? await client.request(body)
            let now = MonotonicTime.now
            if reply == nil { count.lost += 1 } else if reply?.body != body { count.wrong += 1 }
            if now >= end { return count }
            if now >= start, reply != nil { count.replies += 1 }
        }
    }

    private func processorTime(at instant: MonotonicTime) async throws -> Double {
        try await Task.sleep(for: instant - .now)
        return Usage.now.cpu
    }
}
