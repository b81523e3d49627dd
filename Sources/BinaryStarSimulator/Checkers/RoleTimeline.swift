import BinaryStarCore

/// Which role each server had when, as it was seen from outside.
struct RoleTimeline {
    struct Period {
        var role: Role
        var from: Instant
        var until: Instant
        /// Which of the server's lives.
        var life: Int
    }

    private let periods: [[Period]]

    init(_ history: History) {
        periods = [Seat.primary, .backup].map { seat in
            history.lives.filter { $0.seat == seat }.flatMap { life in
                Self.periods(
                    of: life, changes: history.roleChanges.filter { $0.seat == seat && $0.life == life.number })
            }
        }
    }

    private static func periods(of life: History.Life, changes: [History.RoleChange]) -> [Period] {
        var periods: [Period] = []
        var current = Period(role: life.seat.initialRole, from: life.start, until: life.end ?? .max, life: life.number)
        for change in changes where change.to != current.role {
            current.until = change.instant
            periods.append(current)
            current = Period(role: change.to, from: change.instant, until: life.end ?? .max, life: life.number)
        }
        return periods + [current]
    }

    func periods(of seat: Seat) -> [Period] { periods[seat.index] }

    func period(of seat: Seat, at instant: Instant) -> Period? {
        periods(of: seat).last { $0.from <= instant && instant < $0.until }
    }
}

extension [History.Span] {
    /// Whether any of these spans, of the seat or of both, touches the time between.
    func touch(_ from: Instant, _ until: Instant, seat: Seat? = nil) -> Bool {
        contains { $0.from <= until && from <= $0.until && (seat == nil || $0.seat == nil || $0.seat == seat) }
    }
}
