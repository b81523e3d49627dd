import BinaryStarCore
import CoreMetrics

/// What a client has counted since it was created.
struct ClientCounts {
    var attempts = 0
    var roundTrips = RoundTrips()
    var failures: [String: Int] = [:]
    var failovers: [String: Int] = [:]
    var connectionsLost: [Seat: Int] = [:]

    /// Replies, and how long it took from the sending of the request, in nanoseconds.
    struct RoundTrips {
        var count = 0
        /// All of them together.
        var sum: Int64 = 0

        mutating func add(_ nanoseconds: Int64) {
            count += 1
            sum += nanoseconds
        }

        mutating func add(_ others: RoundTrips) {
            count += others.count
            sum += others.sum
        }
    }

    /// - Parameter error: what a request ended with: one of ours, or that it was cancelled.
    mutating func failed(_ error: any Error) {
        let code = (error as? BinaryStarClientError).map { $0.code.description.snakeCase } ?? Self.cancelled
        failures[code, default: 0] += 1
    }

    static let cancelled = "cancelled"
}

/// What a client tells the metrics backend. Clients of the same pair in a process share its metrics, which are their sums.
final class ClientMetrics {
    private var attempts: PushedCounter
    private var replies: PushedCounter
    private var failures: PushedCounters<String>
    private var failovers: PushedCounters<String>
    private var connectionsLost: PushedCounters<Seat>
    private var connected: [Seat: PushedShare] = [:]
    private var following: [Seat: PushedShare] = [:]
    private var waiting: PushedShare
    private var term: PushedValue
    private var roundTripSeconds: PushedSeconds
    private let roundTrip: Timer

    /// Calls for the next push, while there is something to tell.
    var alarm: PumpTimer?

    /// How long it takes until the backend is told.
    static let period = Duration.milliseconds(250)

    /// `nil` if `factory` drops everything.
    init?(_ factory: any MetricsFactory, _ configuration: BinaryStarClientConfiguration) {
        guard !(factory is NOOPMetricsHandler) else { return nil }
        let own: Dimensions = [(.primary, configuration.primary), (.backup, configuration.backup)]
        attempts = PushedCounter(.clientAttempts, own, factory)
        replies = PushedCounter(.clientReplies, own, factory)
        failures = PushedCounters(
            .clientFailures, own, by: .code,
            ["timed_out", "unknown_outcome", "handler_failed", ClientCounts.cancelled],
            factory, value: \.self)
        failovers = PushedCounters(
            .clientFailovers, own, by: .reason,
            [BinaryStarClient.FollowReason]([
                .refused(.passive), .told, .connectionLost, .silent, .superseded, .reachable,
            ]).map(\.metricValue), factory, value: \.self)
        connectionsLost = PushedCounters(
            .clientConnectionsLost, own, by: .server, Seat.allCases, factory, value: \.rawValue)
        for seat in Seat.allCases {
            connected[seat] = PushedShare(.clientConnected, own + [(.server, seat.rawValue)], factory)
            following[seat] = PushedShare(.clientFollowing, own + [(.server, seat.rawValue)], factory)
        }
        waiting = PushedShare(.clientWaiting, own, factory)
        term = PushedValue(.clientTerm, own, factory)
        roundTripSeconds = PushedSeconds(.clientRoundTripSeconds, own, factory)
        roundTrip = Timer(.clientRoundTrip, own, factory)
    }

    deinit { withdraw() }

    /// What a client is at the moment.
    struct Situation {
        var following: Seat
        var connected: Set<Seat>
        var waiting: Int
        var term: UInt64
    }

    /// Takes the time of a reply, in nanoseconds, of which one in each turn that brings some is told.
    func roundTripTook(_ nanoseconds: Int64) { roundTrip.recordNanoseconds(nanoseconds) }

    func push(_ counts: ClientCounts, _ situation: Situation) {
        attempts.push(counts.attempts)
        replies.push(counts.roundTrips.count)
        failures.push(counts.failures)
        failovers.push(counts.failovers)
        connectionsLost.push(counts.connectionsLost)
        roundTripSeconds.push(.nanoseconds(counts.roundTrips.sum))
        for seat in Seat.allCases {
            connected[seat]?.push(situation.connected.contains(seat) ? 1 : 0)
            following[seat]?.push(situation.following == seat ? 1 : 0)
        }
        waiting.push(situation.waiting)
        if situation.term > 0 { term.push(Double(situation.term)) }
    }

    /// Takes this client out of the sums.
    func withdraw() {
        for seat in Seat.allCases {
            connected[seat]?.push(0)
            following[seat]?.push(0)
        }
        waiting.push(0)
    }
}

extension BinaryStarClient {
    /// Something may have changed: the metrics backend is told of it within ``ClientMetrics/period``.
    func noteForMetrics(at now: MonotonicTime) {
        guard let alarm = metrics?.alarm, alarm.deadline == nil else { return }
        alarm.deadline = now + ClientMetrics.period
    }

    func startMetrics() {
        guard let metrics else { return }
        let alarm = PumpTimer { [weak self] _ in self?.assumeIsolated { $0.pushMetrics() } }
        pump.confined.insert(alarm)
        metrics.alarm = alarm
    }

    func pushMetrics() {
        metrics?.push(
            counts,
            ClientMetrics.Situation(
                following: follower.following,
                connected: Set(Seat.allCases.filter { links[$0]?.isComplete == true }), waiting: follower.count,
                term: follower.highestTerm))
    }

    /// Tells the backend what was left to tell, when the client is closed.
    func endMetrics() {
        guard let metrics else { return }
        pushMetrics()
        metrics.withdraw()
        if let alarm = metrics.alarm { pump.confined.remove(alarm) }
        metrics.alarm = nil
    }
}
