import BinaryStarCore

/// The name of every metric. The article Observability says what each one tells.
enum MetricName: String, CaseIterable, Sendable {
    // Of a star.
    case role = "bstar_role"
    case serving = "bstar_serving"
    case term = "bstar_term"
    case transitions = "bstar_transitions_total"
    case stalls = "bstar_stalls_total"
    case heartbeatsSent = "bstar_heartbeats_sent_total"
    case heartbeatsReceived = "bstar_heartbeats_received_total"
    case heartbeatsRejected = "bstar_heartbeats_rejected_total"
    case heartbeatAge = "bstar_heartbeat_age_seconds"
    case heartbeatRoundTrip = "bstar_heartbeat_round_trip"
    case requestsAdmitted = "bstar_requests_admitted_total"
    case requestsRefused = "bstar_requests_refused_total"
    case requestsParked = "bstar_requests_parked_total"
    case requestsRepeated = "bstar_requests_repeated_total"
    case requestsDropped = "bstar_requests_dropped_total"
    case parked = "bstar_parked_requests"
    case inFlight = "bstar_requests_in_flight"
    case repliesSent = "bstar_replies_sent_total"
    case repliesDropped = "bstar_replies_dropped_total"
    case handlersEnded = "bstar_handlers_ended_total"
    case handlersFailed = "bstar_handlers_failed_total"
    case handlerSeconds = "bstar_handler_seconds_total"
    case handlerTime = "bstar_handler_time"
    // Of a client.
    case clientAttempts = "bstar_client_attempts_total"
    case clientReplies = "bstar_client_replies_total"
    case clientFailures = "bstar_client_failures_total"
    case clientFailovers = "bstar_client_failovers_total"
    case clientConnectionsLost = "bstar_client_connections_lost_total"
    case clientConnected = "bstar_client_connected"
    case clientFollowing = "bstar_client_following"
    case clientWaiting = "bstar_client_requests_waiting"
    case clientTerm = "bstar_client_term"
    case clientRoundTripSeconds = "bstar_client_round_trip_seconds_total"
    case clientRoundTrip = "bstar_client_round_trip"
}

/// The name of every dimension. All of them have few values, none of which the network makes up.
enum MetricDimension: String, Sendable {
    case pair, seat, role, cause, reason, code, server, primary, backup
}

extension Cause {
    var metricValue: String {
        switch self {
        case .peer(let role): "peer_\(role)"
        case .clientRequest: "client_request"
        case .clientRequestAfterPeerDeath: "client_request_after_peer_death"
        case .automaticVote: "automatic_vote"
        case .automaticVoteAfterPeerDeath: "automatic_vote_after_peer_death"
        case .superseded: "superseded"
        case .dualPassive: "dual_passive"
        case .stepDown: "step_down"
        case .handoverFailed: "handover_failed"
        case .promote: "promote"
        case .higherTerm: "higher_term"
        }
    }
}

extension BinaryStarClient.FollowReason {
    var metricValue: String {
        switch self {
        case .refused: "refused"
        case .told: "told"
        case .connectionLost: "connection_lost"
        case .silent: "silent"
        case .superseded: "superseded"
        case .reachable: "reachable"
        }
    }
}
