/// How often a program that exits is started again.
struct RestartLimit {
    let restarts: Int
    let window: Duration

    private var exits: [ContinuousClock.Instant] = []

    init(restarts: Int, window: Duration) {
        self.restarts = restarts
        self.window = window
    }

    /// The program has exited. Returns how long to wait before it is started again, longer each time; or `nil` if it has been too
    /// often.
    mutating func noteExit(at now: ContinuousClock.Instant) -> Duration? {
        exits.removeAll { now - $0 > window }
        exits.append(now)
        guard exits.count <= restarts else { return nil }
        return min(.seconds(5), .milliseconds(100) * (1 << min(exits.count - 1, 10)))
    }

    /// Begins anew.
    mutating func reset() { exits = [] }
}
