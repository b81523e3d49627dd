import BinaryStar
import Foundation
import ZeroMQ

/// How many requests a second one client gets answered, with a window of them in flight.
struct Throughput {
    let primary: String
    let backup: String
    let window: Int
    let duration: Duration
    let size: Int

    /// A server of its own, active at once, whose inline handler returns what it gets.
    static func serve(frontend: String, folder: URL, for duration: Duration) async throws {
        let star = try BinaryStar(
            configuration: .init(seat: .primary, listen: folder.ipc("listen"), connect: folder.ipc("nobody")))
        try await star.addInlineVoter(.router, bind: frontend, handler: { $0.body })
        let running = Task { try await star.run() }
        try await Task.sleep(for: duration)
        running.cancel()
        try await running.value
    }

    func run() async throws {
        var configuration = BinaryStarClientConfiguration(primary: primary, backup: backup)
        configuration.maximumInFlight = window
        let client = try BinaryStarClient(configuration: configuration)
        let body = Message([UInt8](repeating: 120, count: size))
        _ = try await client.request(body)
        let before = Figures.residentBytes
        let warm = ContinuousClock.now + .milliseconds(300)
        let end = warm + duration
        var total = 0
        await withTaskGroup(of: Int.self) { group in
            for _ in 0..<window { group.addTask { await Self.ask(client, body, from: warm, to: end) } }
            for await count in group { total += count }
        }
        let took = ContinuousClock.now - warm
        let rate = Double(total) / (took / .seconds(1))
        let grown = (Figures.residentBytes - before) / window
        print(
            "\(Int(rate)) requests a second, \(window) in flight, \(size) bytes; \(grown) bytes grown for each in flight"
        )
        await client.close()
    }

    /// Asks again and again, and returns how often it got a reply between the two instants.
    private static func ask(
        _ client: BinaryStarClient, _ body: Message, from warm: ContinuousClock.Instant, to end: ContinuousClock.Instant
    ) async -> Int {
        var count = 0
        while (try? await client.request(body)) != nil {
            count += 1
            // The clock is not asked for each one.
            guard count % 8 == 0 else { continue }
            let now = ContinuousClock.now
            if now < warm { count = 0 }
            if now >= end { break }
        }
        return count
    }
}
