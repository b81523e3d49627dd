import BinaryStarCore

/// What a server answers to a request.
struct Answer {
    var seat: Seat
    var life: Int
    var number: UInt64
    var attempt: UInt64
    var term: UInt64
    var isRefusal: Bool
}

/// A client that always has something to ask.
struct SimulatedClient {
    let kind: Scenario.ClientKind
    var target = Seat.primary
    var number: UInt64 = 0
    var attempt: UInt64 = 0
    var termSeen: UInt64 = 0
    /// When it asked for the present request first.
    var askedAt: Instant = 0
    var refusalsInRow = 0
    /// Timers of an earlier generation are void.
    var generation: UInt64 = 0
    var next = Next.ask

    enum Next {
        /// Ask something new.
        case ask
        /// Ask the same again, of ``target``.
        case askAgain
        /// The answer did not come.
        case giveUp
    }

    var timeout: Instant { kind == .classic ? .milliseconds(1_000) : .milliseconds(600) }
    /// How long a classic client waits before it asks the other server.
    static let settleDelay = Instant.milliseconds(400)
}

extension Simulation {
    func clientTimer(_ index: Int, _ generation: UInt64) {
        guard clients[index].generation == generation else { return }
        switch clients[index].next {
        case .ask:
            clients[index].number += 1
            clients[index].askedAt = now
            ask(index)
        case .askAgain: ask(index)
        case .giveUp:
            clients[index].target = clients[index].target.other
            clients[index].refusalsInRow = 0
            if clients[index].kind == .classic {
                setTimer(of: index, .askAgain, after: SimulatedClient.settleDelay)
            } else {
                ask(index)
            }
        }
    }

    private func setTimer(of index: Int, _ next: SimulatedClient.Next, after delay: Instant) {
        clients[index].generation += 1
        clients[index].next = next
        queue.schedule(.clientTimer(client: index, generation: clients[index].generation), at: now + delay)
    }

    private func ask(_ index: Int) {
        clients[index].attempt += 1
        let client = clients[index]
        setTimer(of: index, .giveUp, after: client.timeout)
        network.now = now
        guard !network.areClientsCut(from: client.target) else { return }
        let request = SimulatedRequest(
            client: index, number: client.number, attempt: client.attempt, knowsRefusals: client.kind == .ours,
            clientTerm: client.kind == .ours ? client.termSeen : 0)
        let delay = Instant.microseconds(random.number(in: 50...5_000))
        queue.schedule(.request(client.target, request), at: now + delay)
    }

    func answer(_ request: SimulatedRequest, from server: SimulatedServer, term: UInt64, isRefusal: Bool) {
        network.now = now
        guard !network.areClientsCut(from: server.seat) else { return }
        let answer = Answer(
            seat: server.seat, life: server.life, number: request.number, attempt: request.attempt, term: term,
            isRefusal: isRefusal)
        let delay = Instant.microseconds(random.number(in: 50...5_000))
        queue.schedule(.answer(client: request.client, answer), at: now + delay)
    }

    func receive(_ answer: Answer, at index: Int) {
        // A `REQ` socket takes nothing but the answer to its newest attempt.
        let client = clients[index]
        guard answer.number == client.number, client.next.isWaiting else { return }
        if client.kind == .classic, answer.attempt != client.attempt { return }
        if answer.isRefusal {
            guard answer.attempt == client.attempt else { return }
            clients[index].target = client.target.other
            clients[index].refusalsInRow += 1
            // Both have refused: nobody serves at present.
            return setTimer(of: index, .askAgain, after: client.refusalsInRow > 0 ? .milliseconds(50) : 1)
        }
        if client.kind == .ours {
            // A classic server has no term.
            guard answer.term == 0 || answer.term >= client.termSeen else {
                log("client \(index) rejects term \(answer.term) below \(client.termSeen)")
                clients[index].target = answer.seat.other
                return setTimer(of: index, .askAgain, after: .milliseconds(50))
            }
            clients[index].termSeen = max(client.termSeen, answer.term)
        }
        clients[index].refusalsInRow = 0
        history.acceptances.append(
            History.Acceptance(
                client: index, seat: answer.seat, life: answer.life, term: answer.term, instant: now,
                askedAt: client.askedAt))
        setTimer(of: index, .ask, after: Instant.milliseconds(random.number(in: 10...150)))
    }
}

extension SimulatedClient.Next {
    /// Whether a request is not answered yet.
    var isWaiting: Bool {
        switch self {
        case .giveUp, .askAgain: true
        case .ask: false
        }
    }
}
