import BinaryStar

/// What is known of a star, at the moment at which somebody asks.
struct StatusSource: Sendable {
    /// Whether the star is active by its lease, which ends by itself, and its term. Asked without the star's thread.
    var lease: @Sendable () -> (isValid: Bool, term: UInt64)
    /// Whether the star runs and is well, and its snapshot; `nil` if the star's thread does not answer in time.
    var report: @Sendable () async -> StarReport?
    /// The changes of role and term, oldest first; `nil` as before.
    var history: @Sendable () async -> [TransitionRecord]?
}

/// A star's snapshot, and what the application says of its own state.
struct StarReport: Sendable {
    var status: BinaryStar.Status
    /// Also while the star is drained.
    var isFit: Bool
}

extension StatusSource {
    /// How long the star's thread may take to answer. It does so within microseconds, unless it hangs or the machine does.
    static let patience = Duration.seconds(1)

    init(_ star: BinaryStar) {
        lease = { (star.lease.isValid, star.lease.term) }
        report = { await Self.inTime { await StarReport(status: star.status, isFit: star.isFit) } }
        history = { await Self.inTime { await star.history } }
    }

    /// The value, unless it takes too long: a call of an actor cannot be cancelled, so it is left alone then.
    static func inTime<Value: Sendable>(
        _ limit: Duration = patience, _ value: @escaping @Sendable () async -> Value
    ) async -> Value? {
        let (values, continuation) = AsyncStream.makeStream(of: Value?.self, bufferingPolicy: .bufferingOldest(1))
        Task { continuation.yield(await value()) }
        let timer = Task {
            try? await Task.sleep(for: limit)
            continuation.yield(nil)
        }
        defer { timer.cancel() }
        for await value in values { return value }
        return nil
    }
}
