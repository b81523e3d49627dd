import BinaryStar

/// What the demo shows: events with their time, and in a terminal below them a line that moves with the replies.
struct Timeline {
    private let start = ContinuousClock.now
    private let isLive = Console.isTerminal
    private var cells = ""
    private var status = ""

    /// The replies of one tick, by server.
    private var ticks: [Seat: Int] = [:]

    static let tick = Duration.milliseconds(100)
    private static let width = 50

    mutating func event(_ text: String) {
        let elapsed = ((ContinuousClock.now - start) / .seconds(1)).rounded(to: 2)
        let padding = String(repeating: " ", count: max(0, 7 - elapsed.count))
        clear()
        Console.print("\(padding)\(elapsed) s  \(text)")
        redraw()
    }

    mutating func reply(from server: Seat) { ticks[server, default: 0] += 1 }

    /// Ends a tick: adds a cell that tells who replied within it.
    mutating func advance(roles: [Seat: Role?]) {
        guard isLive else { return }
        let fromPrimary = ticks[.primary, default: 0] > 0
        let fromBackup = ticks[.backup, default: 0] > 0
        ticks = [:]
        switch (fromPrimary, fromBackup) {
        case (true, true): cells += "X"
        case (true, false): cells += "P"
        case (false, true): cells += "B"
        case (false, false): cells += "·"
        }
        cells = String(cells.suffix(Self.width))
        status = Seat.allCases.map { "\($0) \(name(of: roles[$0] ?? nil))" }.joined(separator: ", ")
        redraw()
    }

    private func name(of role: Role?) -> String {
        switch role {
        case nil: "down"
        case .primary, .backup: "waiting"
        case .active: "ACTIVE"
        case .passive: "passive"
        }
    }

    mutating func finish() {
        clear()
        status = ""
        cells = ""
    }

    private func clear() {
        if isLive { Console.draw("\r\u{1B}[K") }
    }

    private func redraw() {
        // Cut to fit 80 columns: a line that wraps cannot be drawn over.
        if isLive, !cells.isEmpty { Console.draw(String("\r\u{1B}[K\(cells)  \(status)".prefix(83))) }
    }
}
