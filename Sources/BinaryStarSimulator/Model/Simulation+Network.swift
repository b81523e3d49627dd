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
        case .cutClients(let seat, let duration):
            network.clientsCutUntil[seat.index] = max(network.clientsCutUntil[seat.index], now + duration)
        case .loseHeartbeats(let permille, let duration):
            network.lossPermille = (permille, now + duration)
            noteLinkFault(lasting: duration)
        case .duplicateHeartbeats(let permille, let duration): network.duplicationPermille = (permille, now + duration)
        case .slowPeerLink(let maximum, let duration):
            network.slow = (maximum, now + duration)
            if maximum > History.longestWorkingDelay { noteLinkFault(lasting: duration + maximum) }
        case .stepDown(let seat): order(.beginStepDown, seat)
        case .promote(let seat): order(.promote, seat)
        case .pause(let seat, let duration):
            order(.pause(true), seat)
            queue.schedule(.faultEnd(fault), at: now + duration)
        case .unhealthy(let seat, let duration):
            order(.health(false), seat)
            queue.schedule(.faultEnd(fault), at: now + duration)
        }
    }

    func end(_ fault: Fault) {
        switch fault {
        case .pause(let seat, _): order(.pause(false), seat)
        case .unhealthy(let seat, _): order(.health(true), seat)
        case .stall, .stallAtStep, .crash, .stepWallClock, .cutPeerLink, .cutClients, .loseHeartbeats,
            .duplicateHeartbeats, .slowPeerLink, .stepDown, .promote:
            preconditionFailure("this fault ends by itself")
        }
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
