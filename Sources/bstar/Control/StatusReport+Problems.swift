import BinaryStar
import BinaryStarCore

// What is not as it should be, each with what to do.
extension StatusReport {
    var problems: [String] {
        view.failures.map { "\($0.error.message)" } + warnings
    }

    /// Apart from servers that cannot be asked.
    var warnings: [String] { sameSeat + bothServe + view.statuses.flatMap { problems(of: $0) } }

    private var sameSeat: [String] {
        guard Set(view.statuses.map(\.seat)).count < view.statuses.count else { return [] }
        return ["both sockets are of a \(view.statuses[0].seat): name the one of each server"]
    }

    private var bothServe: [String] {
        guard view.condition == .bothServe else { return [] }
        return [
            """
            the servers do not hear each other: see that the endpoints of each are reached from the other. Once they hear \
            each other, the one with the lower term gives way; what it has done until then is yours to reconcile.
            """
        ]
    }

    /// Where both can be asked it is told once.
    private func timing(of status: BinaryStar.Status) -> String? {
        guard let peer = status.peer, let interval = peer.interval, let timeout = peer.timeout else { return nil }
        let own = status.configuration
        guard (interval, timeout) != (own.interval, own.timeout) else { return nil }
        if view.statuses.count > 1, status.seat == .backup { return nil }
        func text(_ interval: Double, _ timeout: Double) -> String {
            "every \(Duration.seconds(interval).short), timeout \(Duration.seconds(timeout).short)"
        }
        return """
            the servers' times differ: the \(status.seat) has \(text(own.interval, own.timeout)), the \(status.seat.other) \
            \(text(interval, timeout)). Give both the same --interval and --timeout.
            """
    }

    private func problems(of status: BinaryStar.Status) -> [String] {
        var problems: [String] = []
        let seat = status.seat
        if status.peer == nil {
            problems.append(
                """
                the \(seat) has never heard its peer: start it, or see that \
                \(status.configuration.connect.joined(separator: ", ").printable) leads to it. bstar check helps.
                """)
        }
        if let peer = status.peer, peer.isExpired {
            problems.append(
                "the \(seat) does not hear its peer any more: see whether it runs, and whether the network does.")
        } else if status.links.contains(where: { $0.isHeard(in: status) }) {
            for link in status.links where !link.isHeard(in: status) {
                problems.append(
                    """
                    the \(seat) hears its peer, but not over \(link.endpoint.printable): see to that network, since the next \
                    failure of a link may be an outage.
                    """)
            }
        }
        if let difference = timing(of: status) { problems.append(difference) }
        for (reason, count) in status.heartbeats.rejected.sorted(by: { $0.key < $1.key }) {
            problems.append("the \(seat) has refused \(count.grouped) heartbeats: \(HeartbeatRejection.advice(reason))")
        }
        if status.stalls > 0 {
            let times = status.stalls == 1 ? "once" : "\(status.stalls.grouped) times"
            problems.append(
                """
                the \(seat) has stalled \(times) while it was active: the machine was too busy, \
                suspended or paused for longer than the timing allows.
                """)
        }
        if !status.isHealthy, !status.isDrained {
            problems.append(
                status.isServing
                    ? "the \(seat) serves though it says that it CANNOT, since no other one takes over: see its own log."
                    : "the \(seat) says that it CANNOT SERVE: see its own log.")
        }
        if status.isPaused { problems.append(Self.isPaused(seat)) }
        // Where it can be asked it is told once.
        if status.peer?.isPaused == true, view.statuses.count == 1 { problems.append(Self.isPaused(seat.other)) }
        if status.isDrained {
            problems.append("the \(seat) is drained: it serves nothing. End that with bstar resume.")
        }
        return problems
    }

    private static func isPaused(_ seat: Seat) -> String {
        "the \(seat) is paused: no failover to it. End that with bstar resume."
    }
}

extension BinaryStar.Status.Link {
    /// Whether heartbeats come this way.
    func isHeard(in status: BinaryStar.Status) -> Bool {
        !isBroken && lastHeard.map { $0 < status.configuration.timeout } ?? false
    }
}

extension HeartbeatRejection {
    /// What a reason means and what to do, by its name: a later server may know further ones.
    static func advice(_ name: String) -> String {
        switch HeartbeatRejection(rawValue: name.printable) {
        case .otherPair: "they are of another pair. Give both servers the same pair name, or correct connect."
        case .sameSeat: "they are of a server with the same seat. Make one primary and the other backup."
        case .ownHeartbeat: "they are its own: connect leads to itself. Name the peer's endpoint."
        case .unknownVersion: "their version is not known here. Run the same version on both servers."
        case .extensionMissing: "they came from a zguide server, or from something else, while the peer is one of ours."
        case .stale: "they were older than what was heard before, or of a life of the peer that is over."
        case .empty, .notARole, .tooManyFrames, .extensionTooLong, .extensionIsNumeric, .malformedExtension:
            "they were malformed (\(name)). See what else listens or sends at the peer's endpoint."
        case nil: "\(name.printable)."
        }
    }
}
