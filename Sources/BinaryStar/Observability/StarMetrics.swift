import BinaryStarCore
import CoreMetrics

/// What a star tells the metrics backend: its counters and its state, with every heartbeat that it publishes.
struct StarMetrics {
    private var roles: [Role: PushedValue]
    private var serving: PushedValue
    private var term: PushedValue
    private var transitions: PushedCounters<Cause>
    private var stalls: PushedCounter
    private var heartbeatsSent: PushedCounter
    private var heartbeatsReceived: PushedCounter
    private var heartbeatsRejected: PushedCounters<HeartbeatRejection>
    private var heartbeatAge: PushedValue
    private let heartbeatRoundTrip: Timer
    private var requestsAdmitted: PushedCounter
    private var requestsRefused: PushedCounter
    private var requestsParked: PushedCounter
    private var requestsRepeated: PushedCounter
    private var requestsDropped: PushedCounters<BinaryStar.RequestDrop>
    private var parked: PushedValue
    private var inFlight: PushedValue
    private var repliesSent: PushedCounter
    private var repliesDropped: PushedCounters<BinaryStar.ReplyDrop>
    private var handlersEnded: PushedCounter
    private var handlersFailed: PushedCounter
    private var handlerSeconds: PushedSeconds
    private let handlerTime: Timer

    /// How many heartbeats of the peer's there had been by the latest push.
    private var heardBefore = 0

    /// `nil` if `factory` drops everything.
    init?(_ factory: any MetricsFactory, _ configuration: BinaryStarConfiguration) {
        guard !(factory is NOOPMetricsHandler) else { return nil }
        let own: Dimensions = [(.pair, configuration.pairName), (.seat, "\(configuration.seat)")]
        func counter(_ name: MetricName) -> PushedCounter { PushedCounter(name, own, factory) }
        func value(_ name: MetricName) -> PushedValue { PushedValue(name, own, factory) }
        func counters<Key: Hashable>(
            _ name: MetricName, by dimension: MetricDimension, _ keys: [Key], value: @escaping (Key) -> String
        ) -> PushedCounters<Key> {
            PushedCounters(name, own, by: dimension, keys, factory, value: value)
        }
        roles = [:]
        for role in Role.allCases { roles[role] = PushedValue(.role, own + [(.role, "\(role)")], factory) }
        serving = value(.serving)
        term = value(.term)
        transitions = counters(.transitions, by: .cause, Cause.all, value: \.metricValue)
        stalls = counter(.stalls)
        heartbeatsSent = counter(.heartbeatsSent)
        heartbeatsReceived = counter(.heartbeatsReceived)
        heartbeatsRejected = counters(
            .heartbeatsRejected, by: .reason, HeartbeatRejection.allCases, value: \.rawValue.snakeCase)
        heartbeatAge = value(.heartbeatAge)
        heartbeatRoundTrip = Timer(.heartbeatRoundTrip, own, factory)
        requestsAdmitted = counter(.requestsAdmitted)
        requestsRefused = counter(.requestsRefused)
        requestsParked = counter(.requestsParked)
        requestsRepeated = counter(.requestsRepeated)
        requestsDropped = counters(
            .requestsDropped, by: .reason, BinaryStar.RequestDrop.allCases, value: \.rawValue.snakeCase)
        parked = value(.parked)
        inFlight = value(.inFlight)
        repliesSent = counter(.repliesSent)
        repliesDropped = counters(
            .repliesDropped, by: .reason, BinaryStar.ReplyDrop.allCases, value: \.rawValue.snakeCase)
        handlersEnded = counter(.handlersEnded)
        handlersFailed = counter(.handlersFailed)
        handlerSeconds = PushedSeconds(.handlerSeconds, own, factory)
        handlerTime = Timer(.handlerTime, own, factory)
    }

    /// What a star is at the moment.
    struct Situation {
        /// `nil` when it has stopped.
        var role: Role?
        var isServing = false
        var term: UInt64
        /// How long ago the peer was heard, if it ever was.
        var heartbeatAge: Duration?
        var roundTrip: Duration?
        var parked = 0
        var inFlight = 0
    }

    /// Takes the time of a handler, in nanoseconds, of which one in each pass over a voter's requests is told.
    func handlerTook(_ nanoseconds: Int64) { handlerTime.recordNanoseconds(nanoseconds) }

    mutating func push(_ counts: BinaryStar.Statistics, _ situation: Situation) {
        for role in Role.allCases { roles[role]?.push(role == situation.role) }
        serving.push(situation.isServing)
        term.push(Double(situation.term))
        parked.push(Double(situation.parked))
        inFlight.push(Double(situation.inFlight))
        if let age = situation.heartbeatAge { heartbeatAge.push(age / .seconds(1)) }
        if counts.heartbeatsReceived > heardBefore, let roundTrip = situation.roundTrip {
            heartbeatRoundTrip.recordNanoseconds(roundTrip.wholeNanoseconds)
        }
        heardBefore = counts.heartbeatsReceived
        push(counts)
    }

    private mutating func push(_ counts: BinaryStar.Statistics) {
        transitions.push(counts.transitions)
        stalls.push(counts.stalls)
        heartbeatsSent.push(counts.heartbeatsSent)
        heartbeatsReceived.push(counts.heartbeatsReceived)
        heartbeatsRejected.push(counts.heartbeatsRejected)
        requestsAdmitted.push(counts.requestsAdmitted)
        requestsRefused.push(counts.requestsRefused)
        requestsParked.push(counts.requestsHeld)
        requestsRepeated.push(counts.requestsRepeated)
        requestsDropped.push(counts.requestsDropped)
        repliesSent.push(counts.repliesSent)
        repliesDropped.push(counts.repliesDropped)
        handlersEnded.push(counts.handlersEnded)
        handlersFailed.push(counts.handlersFailed)
        handlerSeconds.push(counts.handlerTime)
    }
}

extension BinaryStar {
    /// Tells the metrics backend what has been counted since the last time, and how things are.
    func pushMetrics(at now: MonotonicTime) {
        guard metrics != nil else { return }
        metrics?.push(
            statistics,
            StarMetrics.Situation(
                role: phase == .running ? member.role : nil,
                isServing: phase == .running && member.admission.admits(at: now, clientTerm: 0), term: member.term,
                heartbeatAge: member.peer.lastHeard.map { now - $0 }, roundTrip: member.peer.roundTrip,
                parked: held.items.count, inFlight: sockets.voters.values.reduce(0) { $0 + $1.inFlight }))
    }
}

extension String {
    /// `tooManyFrames` as `too_many_frames`.
    var snakeCase: String {
        reduce(into: "") { text, character in
            if character.isUppercase { text += "_" }
            text += character.lowercased()
        }
    }
}
