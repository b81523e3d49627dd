import BinaryStar
import TestSupport
import ZeroMQ

extension HeartbeatTiming {
    /// Quick, and yet slow enough for a busy machine.
    static let quick = HeartbeatTiming(interval: .milliseconds(20), timeout: .milliseconds(400))
    /// For tests that need no failover: the star takes no delay of a busy machine for a stall.
    static let patient = HeartbeatTiming(interval: .milliseconds(20), timeout: .seconds(5))
}

/// The endpoints of a pair, in a folder of its own.
struct PairEndpoints: Sendable {
    let folder = TemporaryFolder()
    var primary: String { folder.ipc("primary") }
    var backup: String { folder.ipc("backup") }

    func configuration(_ seat: Seat, timing: HeartbeatTiming = .quick) -> BinaryStarConfiguration {
        switch seat {
        case .primary: .init(seat: seat, listen: primary, connect: backup, timing: timing)
        case .backup: .init(seat: seat, listen: backup, connect: primary, timing: timing)
        }
    }

    func star(_ seat: Seat, timing: HeartbeatTiming = .quick, pump: Pump = Pump()) throws -> BinaryStar {
        try BinaryStar(configuration: configuration(seat, timing: timing), pump: pump)
    }

    /// A peer of the star in the other seat.
    func peer(of seat: Seat) throws -> ClassicPeer {
        switch seat {
        case .primary: try ClassicPeer(listen: backup, connect: primary)
        case .backup: try ClassicPeer(listen: primary, connect: backup)
        }
    }
}

/// A server that speaks exactly the zguide's wire: one frame, one digit.
struct ClassicPeer: Sendable {
    let publisher: RawSocket
    let subscriber: RawSocket

    init(listen: String, connect: String) throws {
        publisher = try RawSocket(.pub, bind: listen)
        subscriber = try RawSocket(.sub, connect: connect)
    }

    /// Says its role from now on.
    func beat(_ role: Role) { publisher.beat(Message("\(role.rawValue)")) }

    /// Says nothing from now on.
    func fallSilent() { publisher.beat(nil) }

    /// Awaits that the star says that it has `role`.
    func hears(_ role: Role) async throws {
        try await subscriber.next { $0.text == "\(role.rawValue)" }
    }

    func close() async {
        await publisher.close()
        await subscriber.close()
    }
}

/// A client on a DEALER socket.
struct RawClient: Sendable {
    let socket: RawSocket

    init(_ endpoint: String) throws {
        socket = try RawSocket(.dealer, connect: endpoint)
    }

    func request(_ text: String) async throws -> String? {
        socket.send("", text)
        return try await socket.next().last?.text
    }

    /// Asks again and again until there is a reply.
    func requestUntilServed(_ text: String) async throws {
        socket.beat(Message(frames: ["", text].map(\.utf8)), every: 20)
        _ = try await socket.next()
        socket.beat(nil)
    }
}

/// Runs `stars` while `body` runs, then stops them and awaits their end. The first error of any of them is thrown.
func running<Value: Sendable>(
    _ stars: BinaryStar...,
    body: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    try await withThrowingTaskGroup(of: [Value].self) { group in
        for star in stars {
            group.addTask {
                try await star.run()
                return []
            }
        }
        group.addTask { [try await body()] }
        var values: [Value] = []
        while let value = try await group.next() {
            guard !value.isEmpty else { continue }
            values = value
            group.cancelAll()
        }
        return values[0]
    }
}

/// A star that is active because its classic peer waits, and the peer.
func withActiveStar<Value: Sendable>(
    timing: HeartbeatTiming = .patient,
    _ body: @escaping @Sendable (BinaryStar, ClassicPeer) async throws -> Value
) async throws -> Value {
    let endpoints = PairEndpoints()
    let star = try endpoints.star(.primary, timing: timing)
    let peer = try endpoints.peer(of: .primary)
    peer.beat(.backup)
    return try await running(star) {
        try await star.becomes(.active)
        return try await body(star, peer)
    }
}

extension BinaryStar {
    /// Awaits that the star announces `role`.
    func becomes(_ role: Role) async throws {
        let roles = roles
        try await withTimeout(patience, "role \(role)") {
            for await next in roles where next == role { return }
            throw DeadlineExceeded(what: "role \(role), because the star has stopped")
        }
    }
}
