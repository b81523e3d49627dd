import BinaryStar
import BinaryStarCore
import ServiceLifecycle

/// Sends requests at a pace, and enters what becomes of each in the ledger.
struct Requester: Service {
    let client: BinaryStarClient
    let delivery: BinaryStarClient.Delivery
    let payload: Payload
    let pace: Pace
    let count: Int
    let slots: Slots
    let ledger: Ledger
    let writer: ReportWriter
    let tellsSeconds: Bool

    /// Returns when all requests have ended, or when it is asked to stop.
    func run() async throws {
        try await cancelWhenGracefulShutdown {
            let ticker = Task { if self.tellsSeconds { try await self.tellSeconds() } }
            defer { ticker.cancel() }
            try await withThrowingDiscardingTaskGroup { group in
                do {
                    try await self.sendAll(in: &group)
                } catch is CancellationError {
                    // Asked to stop: the requests in flight are cancelled too.
                }
            }
        }
    }

    private func sendAll(in group: inout ThrowingDiscardingTaskGroup<any Error>) async throws {
        let start = MonotonicTime.now
        var pacer = Pacer(pace: pace, slots: slots, start: start)
        var number = 0
        while number < count, let body = try await payload.message(number + 1) {
            number += 1
            // Only lines of standard input can come later than they are due.
            var available: MonotonicTime?
            if case .lines = payload { available = .now }
            let due: MonotonicTime
            do {
                due = try await pacer.waitForTurn(available: available)
            } catch {
                // Stopped: what was due without room for it counts too, or an outage would look shorter than it was.
                ledger.leaves(unsent: min(pacer.overdue(at: .now), count - number + 1))
                throw error
            }
            ledger.sends(dueAt: due)
            group.addTask { [number] in await self.send(number, body, dueAt: due) }
        }
    }

    private func send(_ number: Int, _ body: Message, dueAt due: MonotonicTime) async {
        let sentAt = MonotonicTime.now
        do {
            let reply = try await client.request(body, delivery: delivery)
            let now = MonotonicTime.now
            let record = ReplyRecord(
                number: number, server: reply.server, term: reply.term, attempts: reply.attempts, latency: now - due,
                delay: sentAt - due, instant: now, time: .now, body: reply.body)
            await done(ledger.replied(record))
        } catch is CancellationError {
            ledger.gaveUp()
        } catch {
            let now = MonotonicTime.now
            let known = error as? BinaryStarClientError
            let record = FailureRecord(
                number: number, code: known?.code.description ?? "other", message: known?.message ?? "\(error)",
                waited: now - due, instant: now, time: .now)
            await done(ledger.failed(record))
        }
    }

    /// A request in flight has room for another one only when its outcome has been written, so that no more than as many
    /// wait for an output that is slow.
    private func done(_ count: Int) async {
        await writer.writeEvents()
        slots.give(count)
    }

    private func tellSeconds() async throws {
        var next = ContinuousClock.now
        while true {
            next += .seconds(1)
            try await Task.sleep(until: next, clock: .continuous)
            ledger.endSecond(at: .now)
            await writer.writeEvents()
        }
    }
}

/// Waits until a request is due, and may be sent.
struct Pacer {
    private let pace: Pace
    private let slots: Slots
    private var schedule: Schedule?
    private var next: MonotonicTime

    init(pace: Pace, slots: Slots, start: MonotonicTime) {
        self.pace = pace
        self.slots = slots
        next = start
        if case .rate(let rate) = pace { schedule = Schedule(rate: rate, start: start) }
    }

    /// - Parameter available: since when there is something to send, if not from the start.
    /// - Returns: when it was due. In an open loop that is an instant of the schedule, even if there was no room for it then.
    mutating func waitForTurn(available: MonotonicTime?) async throws -> MonotonicTime {
        switch pace {
        case .rate:
            guard let due = schedule?.next(notBefore: available) else { return .now }
            try await sleep(until: due)
            try await slots.take()
            return due
        case .every(let period):
            try await slots.take()
            // A failover may have taken longer than the period: no burst makes up for it.
            let due = max(next, .now)
            try await sleep(until: due)
            next = due + period
            return due
        case .unpaced:
            try await slots.take()
            return .now
        }
    }

    /// How many requests of an open loop are due and have no room, the one that waits included.
    func overdue(at now: MonotonicTime) -> Int {
        guard let schedule, slots.areAllTaken else { return 0 }
        return schedule.count(dueAt: now)
    }

    private func sleep(until instant: MonotonicTime) async throws {
        let time = instant - .now
        if time > .zero { try await Task.sleep(for: time, tolerance: .zero) } else { try Task.checkCancellation() }
    }
}
