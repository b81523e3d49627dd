import BinaryStarCore

// Messages between the servers, and the faults.
extension Simulation {
    func send(_ heartbeat: Heartbeat, from server: SimulatedServer) {
        network.now = now
        let envelope = Envelope(
            heartbeat: heartbeat, sender: server.seat, senderLife: server.life, sentAt: now,
            senderHeardUpTo: server.heardUpTo)
        let receiver = self.server(server.seat.other)
        guard receiver.isUp else { return }
        for link in 0..<network.links {
            for arrival in network.deliveries(from: server.seat, link: link, using: &random) {
                queue.schedule(.heartbeat(envelope, to: receiver.seat, toLife: receiver.life), at: arrival)
            }
        }
    }

    func arrive(_ envelope: Envelope, at server: SimulatedServer, life: Int) {
        guard server.isUp, server.life == life else { return }
        let isFromDead = self.server(envelope.sender).life != envelope.senderLife || !self.server(envelope.sender).isUp
        if isFromDead, envelope.sentAt <= network.lostBefore[envelope.sender.index] { return }
        var envelope = envelope
        envelope.arrivedAt = now
        server.heartbeats.append(envelope)
        wake(server)
    }

    // MARK: Faults

    func begin(_ fault: Fault) {
        network.now = now
        log("fault: \(fault)")
        switch fault {
        case .stall(let seat, let duration): stall(server(seat), for: duration)
        case .stallAtStep(let seat, let step, let duration): server(seat).armedStalls.append((step, duration))
        case .crash(let seat, let downFor, let losesInFlight):
            crash(server(seat), downFor: downFor, losesInFlight: losesInFlight)
        case .stepWallClock(let seat, let change):
            server(seat).clock.wallOffset += change
            history.wallClockSteps.append(now)
        case .cutPeerLink(let seat, let duration, let buffers):
            if buffers {
                network.heldBackUntil[seat.index] = max(network.heldBackUntil[seat.index], now + duration)
            } else {
                network.cutUntil[seat.index] = max(network.cutUntil[seat.index], now + duration)
            }
            noteLinkFault(lasting: duration)
            queue.schedule(.faultEnd(fault), at: now + duration)
        case .cutClients(let seat, let duration):
            network.clientsCutUntil[seat.index] = max(network.clientsCutUntil[seat.index], now + duration)
            history.disturbances.append(History.Span(seat: nil, from: now, until: now + duration))
        case .loseHeartbeats(let permille, let duration):
            network.lossPermille = (permille, now + duration)
            noteLinkFault(lasting: duration)
        case .duplicateHeartbeats(let permille, let duration): network.duplicationPermille = (permille, now + duration)
        case .slowPeerLink(let maximum, let duration):
            network.slow = (maximum, now + duration)
            if maximum > scenario.longestWorkingDelay { noteLinkFault(lasting: duration + maximum) }
            history.disturbances.append(History.Span(seat: nil, from: now, until: now + duration + maximum))
        case .stepDown(let seat): order(.beginStepDown, seat)
        case .promote(let seat): order(.promote, seat)
        case .pause(let seat, let duration):
            order(.pause(true), seat)
            queue.schedule(.faultEnd(fault), at: now + duration)
        case .unhealthy(let seat, let duration):
            order(.health(false), seat)
            queue.schedule(.faultEnd(fault), at: now + duration)
        case .strayHeartbeat(let seat, let stray): publish(stray, to: server(seat))
        case .subscribeOften(let seat):
            for number in 1...50 as ClosedRange<Int64> {
                let life = server(seat).life
                queue.schedule(
                    .command(seat, life: life, .subscribed),
                    at: now + .microseconds(number * random.number(in: 400...700)))
            }
        case .forgedTerm(let seat, let term): forge(term, to: server(seat))
        }
    }

    func end(_ fault: Fault) {
        switch fault {
        case .pause(let seat, _): order(.pause(false), seat)
        case .unhealthy(let seat, _): order(.health(true), seat)
        case .cutPeerLink(let seat, _, buffers: _):
            // One that noticed the cut connects anew.
            for connection in network.connections.indices
            where SimulatedNetwork.sender(of: connection) == seat && random.chance(permille: 500) {
                if scenario.provesDeath { order(.peerLinkDropped, seat.other) }
                subscribe(over: connection)
            }
        case .stall, .stallAtStep, .crash, .stepWallClock, .cutClients, .loseHeartbeats, .duplicateHeartbeats,
            .slowPeerLink, .stepDown, .promote, .strayHeartbeat, .subscribeOften, .forgedTerm:
            preconditionFailure("this fault ends by itself")
        }
    }

    /// The receiver of a new connection subscribes to the sender's heartbeats as soon as it is there.
    func subscribe(over connection: Int) {
        let sender = server(SimulatedNetwork.sender(of: connection))
        let instant = max(now, network.connections[connection].connectedAt)
        queue.schedule(
            .command(sender.seat, life: sender.life, .subscribed),
            at: instant + Instant.microseconds(random.number(in: 50...5_000)))
    }

    private func publish(_ stray: Fault.Stray, to server: SimulatedServer) {
        guard let member = server.member else { return }
        // With a classic wire, or beside a classic peer, a digit is a heartbeat.
        guard scenario.pair == .ours || stray != .withoutExtension && scenario.wire == .extended else { return }
        var news = HeartbeatExtension(
            pairName: Self.pairName, seat: server.seat.other, incarnation: random.next() | 1,
            sequence: UInt64(random.number(in: 1...10_000)), term: member.term + UInt64(random.number(in: 0...5)),
            timing: .standard)
        switch stray {
        case .ofAnotherPair: news.pairName = "another"
        case .ofItself: news.incarnation = member.incarnation
        case .ofTheSameSeat: news.seat = server.seat
        case .withoutExtension: break
        }
        let role = random.element(of: Role.allCases)
        let heartbeat = Heartbeat(role: role, extension: stray == .withoutExtension ? nil : news)
        server.heartbeats.append(
            Envelope(
                heartbeat: heartbeat, sender: server.seat, senderLife: 0, sentAt: now, senderHeardUpTo: -1))
        wake(server)
    }

    private func forge(_ term: UInt64, to server: SimulatedServer) {
        guard server.isUp, scenario.pair == .ours else { return }
        history.forgedTerm = max(history.forgedTerm, term)
        server.requests.append(
            SimulatedRequest(client: -1, number: 0, attempt: 0, knowsRefusals: true, clientTerm: term))
        wake(server)
    }

    private func order(_ command: Command, _ seat: Seat) {
        queue.schedule(.command(seat, life: server(seat).life, command), at: now)
    }

    /// Duplicates and messages that were held back come up to this much later.
    private static let aftermath = Instant.milliseconds(250)

    private func noteLinkFault(lasting duration: Instant) {
        history.linkFaults.append(History.Span(seat: nil, from: now, until: now + duration + Self.aftermath))
    }
}
