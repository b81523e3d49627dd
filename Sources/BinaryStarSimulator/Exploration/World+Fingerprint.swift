import BinaryStarCore

// Which situations are the same: those from which the same can follow, however long it took to get there.
extension World {
    var fingerprint: Fingerprint {
        var print = Fingerprint()
        print.combine(Int64(faultsLeft))
        print.combine(Int64(deadlock))
        print.combine(turn == .backup)
        print.combine(Int64((0..<bounds.clients).reduce(0) { $0 << 1 | (hasAsked[$1] ? 1 : 0) }))
        print.combine(Int64(termSeen))
        for seat in Seat.allCases { tell(seat, to: &print) }
        return print
    }

    private func tell(_ seat: Seat, to print: inout Fingerprint) {
        let node = nodes[seat]
        print.combine(Int64(node.life) << 2 | (node.isStalled ? 2 : 0) | (node.mustTick ? 1 : 0))
        print.combine(Int64(node.keptTerm))
        tell(node.watch, of: seat, to: &print)
        guard let member = node.member else { return print.combine(-1) }
        member.tellSituation(at: clock(of: seat), limits: limits) { print.combine($0) }
        print.combine(worth(incarnation: member.peer.incarnation, sequence: member.peer.sequence, at: seat.other))
        print.combine(Int64(node.heardLives))
        print.combine(node.linkDropped)
        print.combine(node.isDraining)
        if let refusal = node.refusal {
            // What was asked more than an interval ago is not believed.
            print.combine(Int64(min(now - node.clockLag - refusal.askedAt, bounds.interval + 1)))
            print.combine(Int64(refusal.incarnation))
        } else {
            print.combine(-1)
        }
        print.combine(node.requests.fingerprint)
        tell(node.unsent, from: seat, to: &print)
        print.combine(Int64(node.inbox.count))
        for flight in node.inbox {
            print.combine(Int64(flight.age) << 1 | (flight.isHere ? 1 : 0))
            tell(flight.heartbeat, from: seat.other, to: &print)
        }
        tell(node.duplicate?.heartbeat, from: seat.other, to: &print)
    }

    private func tell(_ watch: Watch, of seat: Seat, to print: inout Fingerprint) {
        print.combine(Int64(watch.term))
        print.combine(Int64(bitPattern: watch.minted))
        print.combine(Int64(watch.silence))
        // Only who is active hands over.
        print.combine(watch.term == 0 ? -1 : Int64(watch.deafness))
        print.combine(Int64(watch.heardLife))
        print.combine(watch.mustProveAfter != nil)
        print.combine(Int64(watch.waiting ?? -1))
        print.combine((watch.drains ? 4 : 0) | (watch.isIll ? 2 : 0) | (watch.isPaused ? 1 : 0))
        print.combine(Int64(watch.saidActive ?? -1))
        print.combine(watch.overtaken == .no ? 0 : watch.overtaken == .yes ? 1 : 2)
        // What was lost counts until the other hears something that was made later.
        print.combine(watch.lost != nil)
    }

    private func tell(_ heartbeat: Heartbeat?, from seat: Seat, to print: inout Fingerprint) {
        guard let heartbeat, let news = heartbeat.extension else { return print.combine(-1) }
        print.combine(Int64(heartbeat.role.rawValue) << 8 | Int64(news.flags.rawValue))
        print.combine(Int64(news.incarnation))
        print.combine(Int64(news.term))
        if let echo = news.echo {
            print.combine(worth(incarnation: echo.incarnation, sequence: echo.sequence, at: seat.other) + 1)
        } else {
            print.combine(0)
        }
        print.combine(worth(incarnation: news.incarnation, sequence: news.sequence, at: seat))
        print.combine(nodes[seat].watch.lost.map { news.sequence >= $0 } ?? false)
        // Of another life the receiver has heard something newer, or nothing.
        guard let receiver = nodes[seat.other].member, receiver.peer.incarnation == news.incarnation else { return }
        let heard = receiver.peer.sequence
        print.combine(news.sequence < heard ? -2 : news.sequence == heard ? -3 : -4)
    }

    /// What an echo of this heartbeat would be worth to its sender.
    private func worth(incarnation: UInt64, sequence: UInt64, at seat: Seat) -> Int64 {
        guard let member = nodes[seat].member, member.incarnation == incarnation else { return -1 }
        let isProof = nodes[seat].watch.mustProveAfter.map { sequence > $0 } ?? false
        return member.worth(ofEchoOf: sequence, at: clock(of: seat), limits: limits) << 1 | (isProof ? 1 : 0)
    }
}
