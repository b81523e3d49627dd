import BinaryStar
import BinaryStarCore

/// What is seen of a pair over time: a cell for each look at it.
struct WatchModel: Sendable {
    /// What one look saw of one server.
    struct Cell: Sendable, Hashable {
        var isServing = false
        /// Heartbeats of the peer since the look before; `nil` if the server could not be asked.
        var heartbeats: Int?
    }

    /// A time in which no server served.
    struct Gap: Sendable, Hashable {
        var start: MonotonicTime
        var length: Duration
    }

    private(set) var view: PairView
    private(set) var now: MonotonicTime
    /// The latest cells of each seat, oldest first.
    private(set) var cells: [Seat: [Cell]] = [:]
    /// Requests admitted a second, by both servers, for each look.
    private(set) var rates: [Double] = []
    /// Since when nobody has served, if that is so.
    private(set) var gapStart: MonotonicTime?
    /// The latest gap that is over.
    private(set) var lastGap: Gap?
    /// The latest changes of both servers.
    var records: [TransitionRecord] = []
    /// Whether there are changes that ``records`` has not.
    private(set) var isMissingRecords = true

    /// Servers that have answered once: what others have heard of them is older than their silence.
    private var known: Set<Seat> = []
    private var lastServed: MonotonicTime?
    private var counts: [Seat: (incarnation: UInt64, heartbeats: Int, admitted: Int)] = [:]
    private var changes: [Seat: String] = [:]

    static let capacity = 400

    init(_ view: PairView, at now: MonotonicTime) {
        self.view = view
        self.now = now
        add(view, at: now)
    }

    /// Takes in what a look saw.
    mutating func add(_ view: PairView, at now: MonotonicTime) {
        let elapsed = (now - self.now) / .seconds(1)
        self.view = view
        self.now = now
        for status in view.statuses { known.insert(status.seat) }
        var admitted = 0
        for seat in Seat.allCases {
            var cell = Cell(isServing: serves(seat))
            if let status = view.status(of: seat) {
                let before = counts[seat].flatMap { $0.incarnation == status.incarnation ? $0 : nil }
                cell.heartbeats = max(
                    0, status.heartbeats.received - (before?.heartbeats ?? status.heartbeats.received))
                admitted += max(0, status.requests.admitted - (before?.admitted ?? status.requests.admitted))
                counts[seat] = (status.incarnation, status.heartbeats.received, status.requests.admitted)
                let change = "\(status.incarnation) \(status.term) \(status.role)"
                if changes[seat] != change { isMissingRecords = true }
                changes[seat] = change
            }
            append(cell, to: seat)
        }
        if elapsed > 0 { rates = (rates + [Double(admitted) / elapsed]).suffix(Self.capacity) }
        noteGap(at: now)
    }

    private mutating func append(_ cell: Cell, to seat: Seat) {
        var all = cells[seat, default: []]
        if all.count >= Self.capacity { all.removeFirst() }
        all.append(cell)
        cells[seat] = all
    }

    private mutating func noteGap(at now: MonotonicTime) {
        if Seat.allCases.contains(where: serves) {
            if let gapStart { lastGap = Gap(start: gapStart, length: now - gapStart) }
            gapStart = nil
            lastServed = now
        } else if gapStart == nil {
            // Of a gap before the first look nothing is known.
            gapStart = lastServed ?? now
        }
    }

    mutating func gotRecords(_ records: [TransitionRecord]) {
        self.records = records
        isMissingRecords = false
    }

    func serves(_ seat: Seat) -> Bool {
        if known.contains(seat) { return view.status(of: seat)?.isServing ?? false }
        return view.serves(seat)
    }

    /// How long nobody has served by now.
    var gap: Duration? { gapStart.map { now - $0 } }

    /// Requests a second over about the last second, of looks that are `period` apart.
    func rate(every period: Duration) -> Double? {
        let latest = rates.suffix(max(1, Int(Duration.seconds(1) / period)))
        return latest.isEmpty ? nil : latest.reduce(0, +) / Double(latest.count)
    }
}
