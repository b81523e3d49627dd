import BinaryStarCore

/// One run: two servers, the network and clients in virtual time. The same scenario gives the same run, to the byte.
package final class Simulation {
    enum Event {
        case step(Seat, life: Int)
        case wake(Seat, generation: UInt64)
        case heartbeat(Envelope, to: Seat, toLife: Int)
        case command(Seat, life: Int, Command)
        case request(Seat, SimulatedRequest)
        case handled(Seat, life: Int, SimulatedRequest)
        case answer(client: Int, Answer)
        case clientTimer(client: Int, generation: UInt64)
        case fault(Fault)
        case faultEnd(Fault)
        case start(Seat)
    }

    let scenario: Scenario
    var random: SplitMix64
    var queue = EventQueue<Event>()
    var now: Instant = 0
    var servers: [SimulatedServer]
    var clients: [SimulatedClient]
    var network: SimulatedNetwork
    package internal(set) var history = History()
    package internal(set) var eventCount = 0

    /// Lines for a reader; `nil` if nobody asked for them.
    package private(set) var trace: [String]?

    package init(_ scenario: Scenario, traces: Bool = false) {
        self.scenario = scenario
        random = SplitMix64(seed: scenario.seed ^ 0x5851_F42D_4C95_7F2D)
        trace = traces ? [] : nil
        servers = [Seat.primary, .backup].map { seat in
            SimulatedServer(
                seat: seat,
                clock: ProcessClock(
                    offset: scenario.clockOffset[seat.index],
                    driftPartsPerMillion: scenario.driftPartsPerMillion[seat.index],
                    wallOffset: scenario.wallOffset[seat.index]))
        }
        clients = scenario.clients.map { SimulatedClient(kind: $0) }
        network = SimulatedNetwork(links: scenario.links)
    }

    /// Runs to the end of the scenario.
    package func run() {
        for seat in [Seat.primary, .backup] {
            queue.schedule(.start(seat), at: scenario.starts[seat.index])
        }
        for client in clients.indices {
            queue.schedule(
                .clientTimer(client: client, generation: 0), at: Instant.milliseconds(random.number(in: 0...900)))
        }
        for timed in scenario.faults { queue.schedule(.fault(timed.fault), at: timed.instant) }
        if scenario.backupDies {
            queue.schedule(
                .fault(.crash(.backup, downFor: scenario.end, losesInFlight: false)), at: scenario.faultsEnd)
        }
        while let (instant, event) = queue.popFirst(), instant <= scenario.end {
            now = max(now, instant)
            eventCount += 1
            handle(event)
        }
        history.unanswered = clients.enumerated().compactMap { index, client in
            client.next.isWaiting ? (index, client.askedAt) : nil
        }
        history.undecided = servers.flatMap { $0.held.map(\.heldSince) }
        for index in history.lives.indices where history.lives[index].end == nil {
            history.lives[index].end = scenario.end
        }
    }

    func log(_ line: @autoclosure () -> String) {
        if trace != nil { trace?.append("\(now.secondsText) \(line())") }
    }

    func server(_ seat: Seat) -> SimulatedServer { servers[seat.index] }

    private func handle(_ event: Event) {
        switch event {
        case .step(let seat, let life): runStep(of: server(seat), life: life)
        case .wake(let seat, let generation):
            if server(seat).wakeGeneration == generation { wake(server(seat)) }
        case .heartbeat(let envelope, let seat, let life): arrive(envelope, at: server(seat), life: life)
        case .command(let seat, let life, let command):
            guard server(seat).life == life, server(seat).isUp else { return }
            accept(command, at: server(seat))
        case .request(let seat, let request):
            guard server(seat).isUp else { return }
            server(seat).requests.append(request)
            wake(server(seat))
        case .handled(let seat, let life, let request):
            guard server(seat).life == life, server(seat).isUp else { return }
            server(seat).completions.append(request)
            wake(server(seat))
        case .answer(let client, let answer): receive(answer, at: client)
        case .clientTimer(let client, let generation): clientTimer(client, generation)
        case .fault(let fault): begin(fault)
        case .faultEnd(let fault): end(fault)
        case .start(let seat): start(server(seat))
        }
    }

    // MARK: Lives

    func start(_ server: SimulatedServer) {
        guard !server.isUp else { return }
        server.life += 1
        let seat = server.seat
        let reading = server.reading(at: now)
        let isClassic = scenario.pair == .classic(seat)
        if isClassic {
            server.brain = .classic(ClassicServer(seat: seat, now: reading.local))
        } else {
            let floor = scenario.keepsTerms ? server.keptTerm : server.clock.wallMilliseconds(at: now)
            server.brain = .ours(
                PairMember(
                    configuration: PairMember.Configuration(
                        seat: seat, timing: scenario.timing[seat.index], pairName: Self.pairName, wire: scenario.wire,
                        coldStart: scenario.coldStart, conflictPolicy: scenario.conflictPolicy),
                    incarnation: random.next() | 1, termFloor: floor, now: reading.local))
        }
        history.lives.append(
            History.Life(seat: seat, number: server.life, start: now, end: nil, isClassic: isClassic))
        log("\(seat) starts, life \(server.life)")
        network.connect(seat, at: now) { random.number(in: Instant.milliseconds(1)...Instant.milliseconds(100)) }
        if self.server(seat.other).isUp {
            for connection in network.connections.indices { subscribe(over: connection) }
        }
        wake(server)
    }

    static let pairName = "simulated"

    func crash(_ server: SimulatedServer, downFor: Instant, losesInFlight: Bool) {
        guard server.isUp else { return }
        if let index = history.lives.lastIndex(where: { $0.seat == server.seat }) { history.lives[index].end = now }
        // Nobody stalls any longer.
        for index in history.stalls.indices where history.stalls[index].seat == server.seat {
            history.stalls[index].until = min(history.stalls[index].until, max(now, history.stalls[index].from))
        }
        endSpan(of: server.seat, in: &history.pauses)
        endSpan(of: server.seat, in: &history.illnesses)
        log("\(server.seat) dies")
        server.forget()
        network.disconnect(server.seat, losesInFlight: losesInFlight)
        queue.schedule(.start(server.seat), at: now + downFor)
        let other = self.server(server.seat.other)
        let delay = Instant.microseconds(random.number(in: 1_000...3_000))
        // Whoever sees the link drop tries the port; by then nobody may listen on it.
        if scenario.provesDeath, scenario.pair == .ours, downFor > delay, other.isUp,
            !network.isCut(from: other.seat), !network.isCut(from: server.seat)
        {
            queue.schedule(.command(other.seat, life: other.life, .peerLinkDropped), at: now + delay)
        }
    }

    // MARK: The processor

    func wake(_ server: SimulatedServer) {
        guard server.isUp, !server.isScheduled else { return }
        if case .asleep = server.step { server.step = .drain }
        server.isScheduled = true
        queue.schedule(.step(server.seat, life: server.life), at: now + random.number(in: 1_000...40_000))
    }

    private func runStep(of server: SimulatedServer, life: Int) {
        guard server.life == life, server.isUp, server.isScheduled else { return }
        if now < server.stalledUntil {
            queue.schedule(.step(server.seat, life: life), at: server.stalledUntil)
            return
        }
        server.isScheduled = false
        performStep(of: server)
        guard server.isUp, server.life == life else { return }
        if case .asleep = server.step { return }
        guard !server.isScheduled else { return }
        server.isScheduled = true
        queue.schedule(.step(server.seat, life: life), at: now + random.number(in: 1_000...15_000))
    }

    /// Takes the processor away.
    func stall(_ server: SimulatedServer, for duration: Instant) {
        guard server.isUp, duration > 0 else { return }
        log("\(server.seat) stalls for \(duration / 1_000) us")
        server.stalledUntil = max(server.stalledUntil, now + duration)
        history.stalls.append(History.Span(seat: server.seat, from: now, until: server.stalledUntil))
    }

    /// Begins a stall that waits for this step.
    func comes(_ server: SimulatedServer, to step: Fault.Step) {
        guard let index = server.armedStalls.firstIndex(where: { $0.step == step }) else { return }
        stall(server, for: server.armedStalls.remove(at: index).duration)
    }
}
