import BinaryStar
import BinaryStarCore

/// What `bstar status` shows: what matters on the first line, then both servers side by side, then what is not as it should be.
struct StatusReport {
    let view: PairView
    /// Columns of the terminal.
    var width = 80

    private static let labelWidth = 12
    private var columnWidth: Int { max(20, (width - Self.labelWidth - 4) / 2) }

    var lines: [String] {
        guard !view.statuses.isEmpty else { return problems.map { "! \($0)" } }
        return headline.wrapped(to: width) + [""] + table + (problems.isEmpty ? [] : [""])
            + problems.flatMap { problem -> [String] in
                let lines = problem.wrapped(to: width - 2)
                return lines.enumerated().map { $0.offset == 0 ? "! \($0.element)" : "  \($0.element)" }
            }
    }

    // MARK: The first line

    var headline: String {
        let name = view.statuses.first.map { $0.pairName.isEmpty ? "" : "\($0.pairName.printable): " } ?? ""
        return name + verdict
    }

    private var verdict: String {
        switch view.condition {
        case .unknown: return "no server could be asked"
        case .bothServe: return "BOTH SERVERS SERVE"
        case .oneServes:
            let seat = view.serving[0]
            let term = term(of: seat).map { ", in term \($0)" } ?? ""
            return "the \(seat) serves\(term); \(standby(for: seat))"
        case .nobodyServes:
            if view.statuses.contains(where: \.isSuspect) {
                return "NOBODY SERVES: a server has stalled, and asks its peer whether it took over"
            }
            if let server = view.statuses.first(where: { $0.role == .active && $0.isDraining }) {
                return "the \(server.seat) HANDS OVER: it takes no more requests, and waits for what still runs there"
            }
            if view.statuses.contains(where: { $0.isPaused || $0.isDrained || $0.peer?.isPaused == true }) {
                return "NOBODY SERVES, and a server is paused or drained"
            }
            if let unable = view.statuses.first(where: { !$0.isHealthy }) {
                return "NOBODY SERVES, and the \(unable.seat) says that it cannot"
            }
            if view.statuses.count == 1, let doubt = doubt(of: view.statuses[0]) {
                return "NOBODY SERVES, for all that is known here: \(doubt)"
            }
            return "NOBODY SERVES: it takes a client's request to make a server active"
        }
    }

    /// Why the one server that was asked cannot know whether the other one serves, or `nil` if it hears it.
    private func doubt(of status: BinaryStar.Status) -> String? {
        let (seat, other) = (status.seat, status.seat.other)
        guard let peer = status.peer else {
            return seat == .primary
                ? "the backup was NEVER HEARD; a client's request makes the primary active"
                : "the primary was NEVER HEARD, and a backup that never met it does not serve"
        }
        return peer.isExpired ? "the \(other) is GONE or cut off; a client's request makes the \(seat) active" : nil
    }

    private func term(of seat: Seat) -> UInt64? {
        switch view.known(seat) {
        case .itself(let status): status.term
        case .heard(let peer, _): peer.term
        case .neverHeard, .nothing: nil
        }
    }

    /// Whether the other one would take over.
    private func standby(for seat: Seat) -> String {
        let other = seat.other
        switch view.known(other) {
        case .itself(let status):
            if status.isDrained { return "the \(other) is drained and would NOT take over" }
            if !status.isHealthy { return "the \(other) cannot serve and would NOT take over" }
            if status.isPaused { return "the \(other) is paused and would NOT take over" }
            if status.role == .passive { return "the \(other) would take over" }
            return "the \(other) is \(status.role.state)"
        case .heard(let peer, _):
            if peer.isExpired { return "the \(other) is GONE" }
            if peer.isHealthy == false { return "the \(other) cannot serve and would NOT take over" }
            if peer.isPaused == true { return "the \(other) is paused and would NOT take over" }
            return peer.role == .passive ? "the \(other) would take over" : "the \(other) is \(peer.role.state)"
        case .neverHeard: return "the \(other) was NEVER HEARD"
        case .nothing: return "of the \(other) nothing is known"
        }
    }

    // MARK: The table

    private var table: [String] {
        let columns = Seat.allCases.map(column)
        var names: [String] = []
        for column in columns { for row in column where !names.contains(row.name) { names.append(row.name) } }
        names.sort { (Self.order.firstIndex(of: $0) ?? .max) < (Self.order.firstIndex(of: $1) ?? .max) }
        return names.flatMap { name -> [String] in
            let cells = columns.map { column in
                column.filter { $0.name == name }.flatMap { $0.value.wrapped(to: columnWidth) }
            }
            return (0..<(cells.map(\.count).max() ?? 0)).map { index in
                let label = (index == 0 ? name : "").padded(to: Self.labelWidth)
                let texts = cells.map { (index < $0.count ? $0[index] : "").padded(to: columnWidth) }
                return String((label + "  " + texts.joined(separator: "  ")).trimmedEnd)
            }
        }
    }

    private static let order = [
        "", "role", "because", "term", "serves", "peer heard", "round trip", "link", "requests", "replies", "handlers",
        "health", "clients at", "heartbeats", "up", "control",
    ]

    private typealias Row = (name: String, value: String)

    private func column(_ seat: Seat) -> [Row] {
        switch view.known(seat) {
        case .itself(let status): rows(status)
        case .heard(let peer, let other): rows(of: seat, peer, heardBy: other)
        case .neverHeard(let other):
            [("", "\(seat), never heard"), ("role", "not heard at \(list(other.configuration.connect))")]
        case .nothing: [("", "\(seat), not asked")]
        }
    }

    private func rows(_ status: BinaryStar.Status) -> [Row] {
        var rows: [Row] = [("", "\(status.seat)"), ("role", role(status)), ("term", "\(status.term)")]
        if let change = status.lastChange { rows.append(("because", because(change))) }
        rows.append(("serves", serves(status)))
        if let peer = status.peer {
            rows.append(("peer heard", "\(seconds(peer.lastHeard)) ago\(peer.isExpired ? ": GONE" : "")"))
            if let roundTrip = peer.roundTrip { rows.append(("round trip", seconds(roundTrip))) }
        } else {
            rows.append(("peer heard", "never"))
        }
        for link in status.links {
            let heard = link.lastHeard.map { "heard \(seconds($0)) ago" } ?? "nothing heard"
            rows.append(("link", "\(link.endpoint.printable) \(link.isBroken ? "BROKEN, " : "")\(heard)"))
        }
        let requests = status.requests
        rows.append(("requests", "\(requests.admitted.grouped) admitted, \(requests.refused.grouped) refused"))
        var replies = "\(requests.repliesSent.grouped) sent"
        let dropped = requests.repliesDropped.values.reduce(0, +)
        if dropped > 0 { replies += ", \(dropped.grouped) dropped" }
        rows.append(("replies", replies))
        rows.append(("handlers", "\(requests.inFlight.grouped) running, \(requests.handlersFailed.grouped) failed"))
        rows.append(("health", status.isHealthy ? "can serve" : status.isDrained ? "DRAINED" : "CANNOT SERVE"))
        if !status.configuration.voters.isEmpty { rows.append(("clients at", list(status.configuration.voters))) }
        rows.append(
            (
                "heartbeats",
                "every \(seconds(status.configuration.interval)), timeout \(seconds(status.configuration.timeout))"
            ))
        rows.append(
            ("up", (status.uptime.map { Duration.seconds($0).long } ?? "not running") + ", version \(status.version)"))
        return rows
    }

    private func rows(of seat: Seat, _ peer: BinaryStar.Status.Peer, heardBy other: BinaryStar.Status) -> [Row] {
        let how = peer.kind == "classic" ? "a zguide server, as heard" : "as heard by the \(other.seat)"
        var rows: [Row] = [("", "\(seat), \(how)")]
        let state = peer.role.state + (peer.isPaused == true ? ", PAUSED" : "")
        rows.append(("role", peer.isExpired ? "GONE; said last: \(state)" : state))
        if let term = peer.term { rows.append(("term", "\(term)")) }
        rows.append(("serves", peer.isExpired ? "no" : peer.role == .active ? "yes, it says" : "no"))
        if !peer.isExpired, let isHealthy = peer.isHealthy {
            rows.append(("health", isHealthy ? "can serve" : "CANNOT SERVE"))
        }
        if let interval = peer.interval, let timeout = peer.timeout {
            rows.append(("heartbeats", "every \(seconds(interval)), timeout \(seconds(timeout))"))
        }
        rows.append(("link", "heard \(seconds(peer.lastHeard)) ago"))
        return rows
    }

    private func role(_ status: BinaryStar.Status) -> String {
        var text = status.role.state
        if let change = status.lastChange { text += " for \(Duration.seconds(change.age).long)" }
        if status.isSuspect { text += ", STALLED" }
        if status.isDraining { text += ", hands over" }
        if status.isPaused { text += ", PAUSED" }
        return text
    }

    private func because(_ change: BinaryStar.Status.Change) -> String {
        var text = change.cause.explanation
        if change.cause == .clientRequest || change.cause == .automaticVote, let silence = change.peerSilence {
            text += ", and the peer was silent for \(seconds(silence))"
        }
        return text
    }

    private func serves(_ status: BinaryStar.Status) -> String {
        if status.isServing { return "yes" }
        return status.isSuspect ? "NO: it has stalled, and asks its peer" : "no"
    }

    private func seconds(_ seconds: Double) -> String { Duration.seconds(seconds).long }

    private func list(_ texts: [String]) -> String { texts.joined(separator: ", ").printable }
}

extension Role {
    /// For people, to whom a role that is named as a seat says nothing.
    var state: String {
        switch self {
        case .primary, .backup: "waiting"
        case .active: "active"
        case .passive: "passive"
        }
    }
}

extension String {
    fileprivate var trimmedEnd: Substring {
        var text = self[...]
        while text.last == " " { text.removeLast() }
        return text
    }
}
