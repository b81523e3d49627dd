import BinaryStar
import BinaryStarCore

/// What one server answered.
struct ServerView: Sendable {
    var control: String
    var answer: Result<BinaryStar.Status, ControlError>

    var status: BinaryStar.Status? { try? answer.get() }

    var json: JSON {
        var members = [JSON.Member("control", .string(control))]
        switch answer {
        case .success(let status): members.append(.init("status", (try? JSON(encoding: status)) ?? .null))
        case .failure(let error): members.append(.init("error", (try? JSON(encoding: error)) ?? .null))
        }
        return .object(members)
    }
}

/// The pair, as far as its servers can be asked.
struct PairView: Sendable {
    var servers: [ServerView]

    init(_ servers: [ServerView]) { self.servers = servers }

    /// What is known of a server.
    enum Known: Sendable {
        /// What it says itself.
        case itself(BinaryStar.Status)
        /// What its peer has heard of it.
        case heard(BinaryStar.Status.Peer, by: BinaryStar.Status)
        /// Its peer has never heard it.
        case neverHeard(by: BinaryStar.Status)
        case nothing
    }

    var statuses: [BinaryStar.Status] { servers.compactMap(\.status) }

    var failures: [(control: String, error: ControlError)] {
        servers.compactMap { server in
            if case .failure(let error) = server.answer { (server.control, error) } else { nil }
        }
    }

    func status(of seat: Seat) -> BinaryStar.Status? { statuses.first { $0.seat == seat } }

    func known(_ seat: Seat) -> Known {
        if let status = status(of: seat) { return .itself(status) }
        guard let other = status(of: seat.other) else { return .nothing }
        return other.peer.map { .heard($0, by: other) } ?? .neverHeard(by: other)
    }

    /// Whether the server serves, as far as is known.
    func serves(_ seat: Seat) -> Bool {
        switch known(seat) {
        case .itself(let status): status.isServing
        case .heard(let peer, _): peer.role == .active && !peer.isExpired
        case .neverHeard, .nothing: false
        }
    }

    var serving: [Seat] { Seat.allCases.filter(serves) }

    /// How the pair is, for scripts.
    enum Condition: Int32 {
        case oneServes = 0
        /// No server could be asked.
        case unknown = 1
        case bothServe = 2
        case nobodyServes = 3
    }

    var condition: Condition {
        guard !statuses.isEmpty else { return .unknown }
        switch serving.count {
        case 0: return .nobodyServes
        case 1: return .oneServes
        default: return .bothServe
        }
    }

    var json: JSON {
        .object([
            .init("version", .number("1")), .init("serving", .array(serving.map { .string($0.rawValue) })),
            .init("servers", .array(servers.map(\.json))),
        ])
    }
}
