/// What each metric of a star and of a client tells, by the name under which Prometheus sees it.
///
/// As the article "Observability" has it; a test compares them.
enum MetricHelp {
    static let texts: [String: String] = [
        "bstar_role": "1 for the present role, 0 for the others; all 0 when the star has stopped",
        "bstar_serving": "1 while requests are admitted: active, and the lease has not run out",
        "bstar_term": "the highest term known; the star's own while it is active",
        "bstar_transitions_total": "changes of role or term, such as client_request_after_peer_death",
        "bstar_stalls_total": "how often the active star was away for so long that it had to prove itself",
        "bstar_heartbeats_sent_total": "heartbeats published",
        "bstar_heartbeats_received_total": "valid heartbeats of the peer",
        "bstar_heartbeats_rejected_total": "what came over the peer link and did not count",
        "bstar_heartbeat_age_seconds": "how long ago the peer was heard, at the time of the push",
        "bstar_heartbeat_round_trip_seconds":
            "from a heartbeat to the peer's that echoes it, without the time that the peer kept it",
        "bstar_requests_admitted_total": "requests that were served",
        "bstar_requests_refused_total": "requests that the role did not allow",
        "bstar_requests_parked_total": "requests that were kept until it was known whether the peer is gone",
        "bstar_requests_repeated_total": "requests that had been sent before, and get the first answer again",
        "bstar_requests_dropped_total": "requests that could not be taken for one, or whose client had given up",
        "bstar_parked_requests": "requests that are kept now",
        "bstar_requests_in_flight": "requests that handlers have now, those that wait for a task included",
        "bstar_replies_sent_total": "replies given to libzmq",
        "bstar_replies_dropped_total": "replies that could not be delivered",
        "bstar_handlers_ended_total": "handlers that have ended; of inline ones those that replied or threw",
        "bstar_handlers_failed_total": "handlers that threw",
        "bstar_handler_seconds_total": "how long those took together; divided by their number, the mean",
        "bstar_handler_time_seconds":
            "how long one of them took: the latest of each turn of the star's thread, as a sample",
        "bstar_client_attempts_total": "requests sent, each as often as it was",
        "bstar_client_replies_total": "replies taken",
        "bstar_client_failures_total": "requests that failed after they had begun, cancelled ones included",
        "bstar_client_failovers_total": "how often a client turned to the other server",
        "bstar_client_connections_lost_total": "connections that broke",
        "bstar_client_connected": "how many clients are connected to it",
        "bstar_client_following": "how many clients send their requests there",
        "bstar_client_requests_waiting": "requests that wait for their reply, or to be sent",
        "bstar_client_term": "the highest term seen",
        "bstar_client_round_trip_seconds_total":
            "from a request's last sending to its reply, all together; divided by the replies, the mean",
        "bstar_client_round_trip_seconds":
            "one of them: the latest of each turn of the client's thread that brought any, as a sample",
    ]
}
