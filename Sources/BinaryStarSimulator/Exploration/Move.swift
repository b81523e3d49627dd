import BinaryStarCore

/// One thing that can happen next.
enum Move: Hashable {
    /// The process starts again.
    case start(Seat)
    /// The oldest heartbeat that has reached this process is handled.
    case deliver(to: Seat)
    /// The same over the second link.
    case deliverDuplicate(to: Seat)
    case tick(Seat)
    /// A heartbeat that was made before a stall is sent.
    case send(Seat)
    case ask(client: Int, Seat)
    case reply(client: Int, Seat)
    /// The client does not wait any longer; it may ask the other server.
    case giveUp(client: Int, Seat)
    /// The process learns that the link to its peer dropped, and tries the port.
    case linkDropped(Seat)
    /// The process learns that the port refused a connection.
    case refused(Seat)
    case stepDown(Seat)
    /// The process does nothing more in this tick. If there was something to do, it stalls, which is a fault.
    case rest(Seat)

    // Faults.
    case lose(to: Seat)
    /// A heartbeat comes a tick later.
    case delay(to: Seat)
    case duplicate(to: Seat)
    /// A heartbeat is made, and the process stalls before it is sent.
    case tickAndStall(Seat)
    case crash(Seat, losesInFlight: Bool)
    case drain(Seat)
    case promote(Seat)
    /// The process cannot serve any more, as long as it lives.
    case sicken(Seat)
    /// An operator suspends automatic failover, for as long as the process lives.
    case pause(Seat)
    /// The peer's connection was made anew, and asks for this server's heartbeats.
    case subscribe(to: Seat)
}

extension World {
    /// All that can happen next, in a fixed order.
    ///
    /// Within a tick the primary seat comes first. Nothing that the other does in the same tick can reach it before the next
    /// one, so that any other order leads to the same situations.
    func moves() -> [Move] {
        let seat = turn
        var moves: [Move] = []
        for client in 0..<bounds.clients where mayGiveUp(client, seat) {
            moves.append(.giveUp(client: client, seat))
        }
        if nodes[seat].member == nil {
            moves.append(.start(seat))
        } else if nodes[seat].unsent != nil {
            // The process is in the middle of something.
            moves.append(.send(seat))
        } else if nodes[seat].mustTick {
            moves.append(.tick(seat))
        } else {
            appendMoves(of: seat, to: &moves)
        }
        if faultsLeft > 0 { appendFaults(at: seat, to: &moves) }
        let isInBounds = bounds.ticks.map { now < $0 } ?? true
        if isInBounds, isUpToDate(seat) || faultsLeft > 0 { moves.append(.rest(seat)) }
        return moves
    }

    private func appendMoves(of seat: Seat, to moves: inout [Move]) {
        guard let member = nodes[seat].member else { return }
        let node = nodes[seat]
        if node.hasMail { moves.append(.deliver(to: seat)) }
        if node.duplicate != nil { moves.append(.deliverDuplicate(to: seat)) }
        if mustHear(seat) { return }
        if member.nextDeadline <= clock(of: seat) { moves.append(.tick(seat)) }
        for client in 0..<bounds.clients {
            switch node.requests[client] {
            case .none:
                // A client asks one server at a time, and once in a tick.
                if nodes[seat.other].requests[client] == .none, !hasAsked[client] {
                    moves.append(.ask(client: client, seat))
                }
            case .held: break
            // A suspect keeps its replies; to ask it again and again changes nothing.
            case .admitted: if !member.isSuspect || bounds.flaw != .none { moves.append(.reply(client: client, seat)) }
            }
        }
        // What the peer said before counts first.
        if !node.hasMail {
            if node.linkDropped { moves.append(.linkDropped(seat)) }
            if node.refusal != nil { moves.append(.refused(seat)) }
        }
        if node.isDraining { moves.append(.stepDown(seat)) }
    }

    private func appendFaults(at seat: Seat, to moves: inout [Move]) {
        guard let member = nodes[seat].member else { return }
        let node = nodes[seat]
        if node.hasMail {
            moves.append(.lose(to: seat))
            if node.inbox[0].age == 1 { moves.append(.delay(to: seat)) }
        }
        moves.append(.crash(seat, losesInFlight: false))
        if !nodes[seat.other].inbox.isEmpty || nodes[seat.other].duplicate != nil {
            moves.append(.crash(seat, losesInFlight: true))
        }
        guard node.unsent == nil else { return }
        if member.nextDeadline <= clock(of: seat), !mustHear(seat) {
            moves.append(.tickAndStall(seat))
        }
        guard !node.mustTick else { return }
        if node.hasMail, node.duplicate == nil { moves.append(.duplicate(to: seat)) }
        guard !node.hasMail else { return }
        moves.append(.subscribe(to: seat))
        if member.isHealthy { moves.append(.sicken(seat)) }
        if !member.isPaused, member.role != .active { moves.append(.pause(seat)) }
        if !node.isDraining, member.refusesStepDown(at: clock(of: seat)) == nil { moves.append(.drain(seat)) }
        if member.role != .active || member.isSuspect, member.isPeerExpired(at: clock(of: seat)) {
            moves.append(.promote(seat))
        }
    }

    private func mayGiveUp(_ client: Int, _ seat: Seat) -> Bool {
        switch nodes[seat].requests[client] {
        case .none: false
        case .held: true
        case .admitted: nodes[seat].isStalled || nodes[seat].member?.isSuspect ?? false
        }
    }

    /// Whether what has arrived has taken all the time that it may.
    private func mustHear(_ seat: Seat) -> Bool {
        guard let transit = bounds.transit, let flight = nodes[seat].inbox.first else { return false }
        return flight.isHere && flight.age >= transit
    }

    /// Whether a process that has the processor would have nothing left to do, or has lost it already.
    func isUpToDate(_ seat: Seat) -> Bool {
        let node = nodes[seat]
        guard let member = node.member, !node.isStalled else { return true }
        return node.unsent == nil && !node.linkDropped && node.refusal == nil && !node.isDraining && !node.hasMail
            && member.nextDeadline > clock(of: seat)
    }
}
