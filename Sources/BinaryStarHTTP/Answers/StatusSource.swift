import BinaryStar

/// What is known of a star, at the moment at which somebody asks.
struct StatusSource: Sendable {
    /// Whether the star is active by its lease, which ends by itself, and its term. Asked without the star's thread.
    var lease: @Sendable () -> (isValid: Bool, term: UInt64)
    /// Whether the star runs and is well, and its snapshot; `nil` if the star's thread does not answer in time.
    var report: @Sendable () async -> StarReport?
    /// The changes of role and term, oldest first; `nil` as before.
    var history: @Sendable () async -> [TransitionRecord]?
    /// Those that the star's own metrics have.
    var dimensions: [(String, String)]
}

/// A star's snapshot, and what the application says of its own state.
struct StarReport: Sendable {
    var status: BinaryStar.Status
    /// Also while the star is drained.
    var isFit: Bool
}

extension StatusSource {
    /// How long the star's thread may take to answer. It does so within microseconds, unless it hangs or the machine
    /// does.
    static let patience = Duration.seconds(1)

    /// The metric that is told from the lease.
    static let servingMetric = "bstar_serving"

    init(_ star: BinaryStar) {
        // Of each there is one call at most that waits for the star's thread, however long that hangs and however many
        // ask.
        let reports = SingleFlight { await StarReport(status: star.status, isFit: star.isFit) }
        let histories = SingleFlight { await star.history }
        lease = { (star.lease.isValid, star.lease.term) }
        report = { await reports.value(within: Self.patience) }
        history = { await histories.value(within: Self.patience) }
        dimensions = [("pair", star.configuration.pairName), ("seat", "\(star.configuration.seat)")]
    }
}
