import BinaryStar

/// How long `lease.isValid` takes.
enum LeaseTime {
    static func measure() throws {
        let star = try BinaryStar(
            configuration: .init(seat: .primary, listen: "tcp://127.0.0.1:*", connect: "tcp://127.0.0.1:1"))
        let lease = star.lease
        let count = 1_000_000
        let rounds = (0..<21).map { _ in
            var valid = 0
            let duration = ContinuousClock().measure {
                for _ in 0..<count where lease.isValid { valid += 1 }
            }
            precondition(valid == 0, "the star does not run")
            return duration / .nanoseconds(1) / Double(count)
        }.sorted()
        print("lease.isValid takes \(rounds[rounds.count / 2]) ns, the median of \(rounds.count) rounds")
        try require(rounds[rounds.count / 2] <= 50, "more than 50 ns")
    }
}
