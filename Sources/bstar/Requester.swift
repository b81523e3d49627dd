import BinaryStar
import ServiceLifecycle

/// Sends one request after the other, and prints what comes of it.
actor Requester: Service {
    struct Summary {
        var replied = 0
        var failed = 0
        var failovers: [Duration] = []
        var fastest: Duration?
        var slowest: Duration?

        var text: String {
            var text = "\(replied) replies, \(failed) failed"
            if let fastest, let slowest { text += ", round trip \(fastest.short) to \(slowest.short)" }
            if !failovers.isEmpty { text += ", failovers: \(failovers.map(\.short).joined(separator: ", "))" }
            return text
        }
    }

    private let client: BinaryStarClient
    private let text: String?
    private let count: Int?
    private let every: Duration
    private(set) var summary = Summary()
    private var lastReply: (server: Seat, instant: ContinuousClock.Instant)?

    init(client: BinaryStarClient, text: String?, count: Int?, every: Duration) {
        self.client = client
        self.text = text
        self.count = count
        self.every = every
    }

    func run() async throws {
        try await cancelWhenGracefulShutdown {
            do {
                try await self.sendAll()
            } catch is CancellationError {
                // Asked to stop.
            }
        }
    }

    private func sendAll() async throws {
        var next = ContinuousClock.now
        var number = 0
        while number < count ?? .max {
            number += 1
            try await send(number)
            // A failover may have taken longer than the period: no burst makes up for it.
            next = max(next + every, .now)
            if number != count { try await Task.sleep(until: next, clock: .continuous) }
        }
    }

    private func send(_ number: Int) async throws {
        let start = ContinuousClock.now
        do {
            let reply = try await client.request(Message(text ?? "\(number)"))
            note(reply, to: number, sentAt: start)
        } catch let error as BinaryStarClientError {
            summary.failed += 1
            Console.print("\(number)  failed: \(error.message)")
        }
    }

    private func note(_ reply: BinaryStarClient.Reply, to number: Int, sentAt start: ContinuousClock.Instant) {
        let now = ContinuousClock.now
        if let last = lastReply, last.server != reply.server {
            let gap = now - last.instant
            summary.failovers.append(gap)
            Console.print("failover from \(last.server) to \(reply.server): \(gap.short) without a reply")
        }
        lastReply = (reply.server, now)
        let roundTrip = now - start
        summary.replied += 1
        // What a failover takes is told apart from how fast a server is.
        if reply.attempts == 1 {
            summary.fastest = min(summary.fastest ?? roundTrip, roundTrip)
            summary.slowest = max(summary.slowest ?? roundTrip, roundTrip)
        }
        let attempts = reply.attempts > 1 ? "  (\(reply.attempts) attempts)" : ""
        Console.print("\(number)  \(reply.server)  \(roundTrip.short)  \(shown(reply.body))\(attempts)")
    }

    private func shown(_ body: Message) -> String { body.count == 1 ? body[0].description : body.description }
}
