import BinaryStar
import BinaryStarCore

/// One server as it is, or is meant to be, and what its peer was heard to say.
struct CheckedServer: Sendable {
    var seat: Seat
    var pairName: String
    var timing: HeartbeatTiming
    /// Of a server that runs.
    var status: BinaryStar.Status?
    /// From each endpoint of its peer.
    var heard: [(heard: Heard, reachability: Reachability)]

    init(
        seat: Seat, pairName: String, timing: HeartbeatTiming, status: BinaryStar.Status? = nil,
        heard: [(heard: Heard, reachability: Reachability)] = []
    ) {
        self.seat = seat
        self.pairName = pairName
        self.timing = timing
        self.status = status
        self.heard = heard
    }

    /// What is left of the timing for a stall of this machine, or for the transit of a heartbeat.
    var reserve: Duration { (timing.timeout - timing.interval) / 2 }

    /// The longest time for which a server may take an answer for a fresh one.
    private var lease: Duration { timing.interval + reserve }

    // MARK: What is told

    func findings(schedulingDelay: Duration, wallClock: UInt64) -> [Finding] {
        heard.flatMap { findings(of: $0.heard, $0.reachability, wallClock) } + lateness(schedulingDelay)
            + (status.map { findings(of: $0) } ?? [])
    }

    private func findings(of heard: Heard, _ reachability: Reachability, _ wallClock: UInt64) -> [Finding] {
        var findings: [Finding] = []
        for (reason, count) in heard.rejected.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            findings.append(
                .failure(
                    "peer", "\(heard.endpoint): \(count.grouped) messages that are no heartbeats",
                    "They were refused: \(HeartbeatRejection.advice(reason.rawValue))"))
        }
        guard let newest = heard.newest else { return findings + [silence(heard, reachability)] }
        guard let news = newest.extension else {
            findings.append(
                .warning(
                    "peer",
                    "\(heard.endpoint): heard \(heard.count.grouped) heartbeats of a zguide server, \(newest.role.state)",
                    "Without terms a conflict ends a server: run bstar on both if you can."))
            return findings
        }
        findings.append(.ok("peer", "\(heard.endpoint): heard \(heard.count.grouped) heartbeats, \(newest.role.state)"))
        return findings + configuration(news, heard.endpoint) + [clock(news, wallClock)]
            + [hearing(news)].compactMap { $0 }
    }

    private func silence(_ heard: Heard, _ reachability: Reachability) -> Finding {
        let text = "\(heard.endpoint): no heartbeat"
        if let status, status.links.contains(where: { $0.endpoint == heard.endpoint && $0.isHeard(in: status) }) {
            return .warning(
                "peer", "\(text) to be heard from here, though the server hears its peer there",
                "Run bstar check on the server's own machine, and in its network namespace or container.")
        }
        switch reachability {
        case .reached:
            return .failure(
                "peer", "\(text), though something accepts connections there",
                "See what listens there: it has to be the peer's --listen. If it is the peer, it may be stopped.")
        case .refused where status == nil:
            return .warning(
                "peer", "\(text): the machine is there, and refuses the connection",
                "Well if the peer is not started yet. Else compare the port with the peer's --listen.")
        case .refused:
            return .failure(
                "peer", "\(text): the machine is there, and refuses the connection",
                "Start the peer; or compare the port with the peer's --listen; or see whether a firewall rejects it.")
        case .noAnswer:
            return .failure(
                "peer", "\(text): no answer to a connection",
                "See whether the machine is up, whether a firewall drops the port, and whether the address is right.")
        case .noName:
            return .failure("peer", "\(text): the name is not known", "Correct the name, or the name service.")
        case .failed(let reason): return .failure("peer", "\(text): \(reason)", "See to the network.")
        }
    }

    /// What both servers have to agree about.
    private func configuration(_ news: HeartbeatExtension, _ endpoint: String) -> [Finding] {
        if let status, news.incarnation == status.incarnation {
            return [.failure("peer", "\(endpoint) is this server itself", "Let --connect name the peer's --listen.")]
        }
        var findings: [Finding] = []
        if news.pairName == pairName {
            findings.append(
                .ok(
                    "name",
                    pairName.isEmpty ? "neither server has a pair name" : "both are of pair \(pairName.printable)"))
        } else {
            findings.append(
                .failure(
                    "name", "the pair is \(pairName.debugDescription) here and \(news.pairName.debugDescription) there",
                    "Give both the same --pair-name; or let --connect name the right peer."))
        }
        if news.seat == seat {
            findings.append(
                .failure("seat", "both servers are the \(seat)", "Make one the primary and the other the backup."))
        } else {
            findings.append(.ok("seat", "this is the \(seat), the peer the \(news.seat)"))
        }
        let theirs = "every \(news.timing.interval.short), timeout \(news.timing.timeout.short)"
        if news.timing == timing {
            findings.append(.ok("timing", "the same on both: \(theirs)"))
        } else {
            findings.append(
                .failure(
                    "timing",
                    "here every \(timing.interval.short), timeout \(timing.timeout.short); there \(theirs)",
                    "Give both servers the same --interval and --timeout."))
        }
        return findings
    }

    /// Terms start above the time of day at a server's first activation.
    private func clock(_ news: HeartbeatExtension, _ wallClock: UInt64) -> Finding {
        let ahead = news.term > wallClock ? news.term - wallClock : 0
        guard ahead > Self.clockTolerance else {
            return .ok("clock", "the pair's terms are not ahead of this machine's clock")
        }
        let time = Duration.milliseconds(Int64(clamping: ahead)).long
        return .warning(
            "clock", "the pair's term is \(time) ahead of this machine's clock",
            "Safe as long as terms are kept; but one clock is wrong, or was: see to time synchronisation.")
    }

    /// Milliseconds. Terms grow by one or two with each activation.
    private static let clockTolerance: UInt64 = 60_000

    /// Whether the peer hears this server.
    private func hearing(_ news: HeartbeatExtension) -> Finding? {
        guard let status else { return nil }
        var text = "the peer does not hear this server"
        if let echo = news.echo, echo.incarnation == status.incarnation {
            // What it repeats is the latest that it has heard, however long ago.
            guard echo.age > timing.timeout else { return .ok("both ways", "the peer hears this server") }
            text = "the peer has not heard this server for \(echo.age.long)"
        }
        return .failure(
            "both ways", text,
            "See that the peer's --connect leads to \(status.configuration.listen.joined(separator: " or ").printable), and the firewall."
        )
    }

    // MARK: Timing

    private func lateness(_ schedulingDelay: Duration) -> [Finding] {
        var findings = [
            late(schedulingDelay, "machine", "this machine runs what is due up to \(schedulingDelay.short) late")
        ]
        for (heard, _) in heard {
            if let lateness = heard.lateness {
                findings.append(
                    late(lateness, "jitter", "\(heard.endpoint): heartbeats came up to \(lateness.short) late"))
            }
        }
        return findings
    }

    /// Compares a delay that was seen with what the timing bears.
    private func late(_ delay: Duration, _ topic: String, _ text: String) -> Finding {
        let text = "\(text); the timing bears \(reserve.short)"
        // A short look sees no rare delay: half of what it may be is worth a word.
        guard delay > reserve / 2 else { return .ok(topic, text) }
        let timeout = timing.interval + delay * 8
        let advice =
            "Set --timeout to \(timeout.roundedUp) or more on both servers; or see what keeps the machine or the network busy."
        return delay > reserve ? .failure(topic, text, advice) : .warning(topic, text, advice)
    }

    // MARK: A server that runs

    private func findings(of status: BinaryStar.Status) -> [Finding] {
        var findings: [Finding] = []
        if let seconds = status.peer?.roundTrip {
            let roundTrip = Duration.seconds(seconds)
            let text = "round trip to the peer \(roundTrip.short), of which less than \(lease.short) proves anything"
            if roundTrip >= lease {
                findings.append(.failure("round trip", text, "Set a longer --timeout on both servers."))
            } else if roundTrip > lease / 4 {
                findings.append(.warning("round trip", text, "Set a longer --timeout on both servers."))
            } else {
                findings.append(.ok("round trip", text))
            }
        }
        if status.version != BinaryStar.version {
            findings.append(
                .warning(
                    "version", "the server runs \(status.version.printable), this tool is \(BinaryStar.version)",
                    "Use the same version everywhere."))
        }
        return findings
    }
}

extension Duration {
    /// Rounded up to something that one would write: `250ms`, `3s`.
    fileprivate var roundedUp: String {
        let milliseconds = Int((self / .milliseconds(1)).rounded(.up))
        if milliseconds < 1_000 { return "\((milliseconds + 49) / 50 * 50)ms" }
        return "\((milliseconds + 999) / 1_000)s"
    }
}
