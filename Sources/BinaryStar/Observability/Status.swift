import BinaryStarCore

extension BinaryStar {
    /// What there is to know of a server of a pair, at one instant. Times are in seconds.
    public struct Status: Sendable, Hashable, Codable {
        /// What is known of the other server, from its heartbeats.
        public struct Peer: Sendable, Hashable, Codable {
            /// `classic` for a zguide server, `extended` for one of ours.
            public var kind: String
            public var role: Role
            /// How long ago it was heard last.
            public var lastHeard: Double
            /// Whether it counts as gone.
            public var isExpired: Bool
            /// The highest term that it knows; `nil` for a zguide server, as are the following.
            public var term: UInt64?
            /// Which of its lives this is.
            public var incarnation: UInt64?
            /// From our heartbeat to the peer's that echoes it, without the time that the peer kept it.
            public var roundTrip: Double?
            public var isHealthy: Bool?
            /// Whether it is about to hand over.
            public var isDraining: Bool?
            /// Whether automatic failover to it is suspended, see ``BinaryStar/pause()``.
            public var isPaused: Bool?
            /// The interval and the timeout that it announces.
            public var interval: Double?
            public var timeout: Double?
        }

        /// What this server was told.
        public struct Configuration: Sendable, Hashable, Codable {
            /// Where it publishes its role, with the ports that the system chose.
            public var listen: [String]
            /// Where its peer does.
            public var connect: [String]
            /// Where clients reach it.
            public var voters: [String]
            public var interval: Double
            public var timeout: Double
            public var wire: HeartbeatWire
            public var drainTimeout: Double
            public var stateDirectory: String?
        }

        /// How many heartbeats went over the peer link.
        public struct Heartbeats: Sendable, Hashable, Codable {
            public var sent: Int
            /// Valid ones of the peer.
            public var received: Int
            /// What came and did not count, by reason.
            public var rejected: [String: Int]
        }

        /// One way by which the peer is heard.
        public struct Link: Sendable, Hashable, Codable {
            /// The peer's endpoint.
            public var endpoint: String
            /// How long ago a valid heartbeat came this way; `nil` if none has.
            public var lastHeard: Double?
            /// Whether the connection broke, or nothing ever came over it.
            public var isBroken: Bool
        }

        /// The latest change of role or term.
        public struct Change: Sendable, Hashable, Codable {
            public var from: Role
            public var to: Role
            public var term: UInt64
            public var cause: Cause
            /// How long ago it took place.
            public var age: Double
            /// How long the peer had been silent by then.
            public var peerSilence: Double?
        }

        /// How many requests became what, since the star was created.
        public struct Requests: Sendable, Hashable, Codable {
            public var admitted: Int
            public var refused: Int
            /// Waited until it was known whether the peer is gone.
            public var held: Int
            /// Handlers that run now.
            public var inFlight: Int
            /// Dropped before the role was asked for, by reason.
            public var dropped: [String: Int]
            public var repliesSent: Int
            /// By reason.
            public var repliesDropped: [String: Int]
            public var handlersFailed: Int
        }

        /// That of this package.
        public var version: String
        /// When this was so, in milliseconds since 1970 by this server's clock.
        public var time: UInt64
        /// For how long the star runs; `nil` if it does not.
        public var uptime: Double?
        public var pairName: String
        public var seat: Seat
        public var role: Role
        /// The highest term known; the server's own while it is active.
        public var term: UInt64
        /// Which of this server's lives this is.
        public var incarnation: UInt64
        /// Whether the server serves at this instant.
        public var isServing: Bool
        /// Whether it is active, but has stalled and does not know yet whether its peer took over.
        public var isSuspect: Bool
        public var isDraining: Bool
        public var isPaused: Bool
        /// Whether an operator has taken it out of service, see ``BinaryStar/BinaryStar/drain()``.
        public var isDrained: Bool
        /// Whether it can serve: the application says so, and it is not drained.
        public var isHealthy: Bool
        /// `nil` before the first.
        public var lastChange: Change?
        /// `nil` if the peer was never heard.
        public var peer: Peer?
        /// In the order of the configuration.
        public var links: [Link]
        public var requests: Requests
        public var heartbeats: Heartbeats
        /// How often this server, while active, was away for so long that it had to prove itself.
        public var stalls: Int
        public var configuration: Configuration
    }

    /// The version of this package.
    public static let version = "0.1.0"

    /// A snapshot of this server and of what it knows of its peer.
    public var status: Status {
        let now = MonotonicTime.now
        let change = lastChange.map {
            Status.Change(
                from: $0.from, to: $0.to, term: $0.term, cause: $0.cause,
                age: (ContinuousClock.now - $0.instant).inSeconds, peerSilence: $0.peerSilence?.inSeconds)
        }
        return Status(
            version: Self.version, time: WallClock.milliseconds,
            uptime: phase == .running ? startedAt.map { (now - $0).inSeconds } : nil, pairName: configuration.pairName,
            seat: configuration.seat, role: member.role, term: member.term,
            incarnation: member.incarnation, isServing: member.admission.admits(at: now, clientTerm: 0),
            isSuspect: member.isSuspect,
            isDraining: member.isDraining, isPaused: member.isPaused, isDrained: isDrained,
            isHealthy: member.isHealthy,
            lastChange: change, peer: peerStatus(at: now), links: linkStatus(at: now), requests: requestStatus,
            heartbeats: Status.Heartbeats(
                sent: statistics.heartbeatsSent, received: statistics.heartbeatsReceived,
                rejected: statistics.heartbeatsRejected.byName),
            stalls: statistics.stalls, configuration: configurationStatus)
    }

    private func peerStatus(at now: MonotonicTime) -> Status.Peer? {
        let peer = member.peer
        guard let kind = peer.kind, let role = peer.role, let lastHeard = peer.lastHeard else { return nil }
        let isOurs = kind == .extended
        return Status.Peer(
            kind: kind.rawValue, role: role, lastHeard: (now - lastHeard).inSeconds,
            isExpired: member.isPeerExpired(at: now), term: isOurs ? peer.term : nil,
            incarnation: isOurs ? peer.incarnation : nil, roundTrip: peer.roundTrip?.inSeconds,
            isHealthy: isOurs ? !peer.flags.contains(.unhealthy) : nil,
            isDraining: isOurs ? peer.flags.contains(.draining) : nil,
            isPaused: isOurs ? peer.flags.contains(.paused) : nil, interval: peer.timing?.interval.inSeconds,
            timeout: peer.timing?.timeout.inSeconds)
    }

    private var configurationStatus: Status.Configuration {
        Status.Configuration(
            listen: sockets.peerLink?.endpoints ?? configuration.allListen, connect: configuration.allConnect,
            voters: sockets.voters.sorted { $0.key < $1.key }.map(\.value.endpoint),
            interval: configuration.timing.interval.inSeconds, timeout: configuration.timing.timeout.inSeconds,
            wire: configuration.wire, drainTimeout: configuration.drainTimeout.inSeconds,
            stateDirectory: configuration.stateDirectory)
    }

    private func linkStatus(at now: MonotonicTime) -> [Status.Link] {
        (sockets.peerLink?.subscribers ?? []).map { subscriber in
            Status.Link(
                endpoint: subscriber.endpoint.text, lastHeard: subscriber.lastHeard.map { (now - $0).inSeconds },
                isBroken: subscriber.isBroken)
        }
    }

    private var requestStatus: Status.Requests {
        Status.Requests(
            admitted: statistics.requestsAdmitted, refused: statistics.requestsRefused, held: statistics.requestsHeld,
            inFlight: sockets.voters.values.reduce(0) { $0 + $1.inFlight },
            dropped: statistics.requestsDropped.byName, repliesSent: statistics.repliesSent,
            repliesDropped: statistics.repliesDropped.byName, handlersFailed: statistics.handlersFailed)
    }
}

extension Dictionary where Key: RawRepresentable, Key.RawValue == String {
    fileprivate var byName: [String: Value] {
        Dictionary<String, Value>(uniqueKeysWithValues: map { ($0.key.rawValue, $0.value) })
    }
}

extension Duration {
    fileprivate var inSeconds: Double { self / .seconds(1) }
}
