import BinaryStar
import BinaryStarCore

/// A picture of a pair, of any size: what does not fit is left out from below.
struct WatchScreen {
    enum Style {
        case plain, strong, good, bad
    }

    struct Line {
        var text: String
        var style = Style.plain
    }

    let model: WatchModel
    /// From one look to the next.
    let period: Duration
    let time: TimeOfDay

    private static let label = 12

    func lines(width: Int, height: Int) -> [Line] {
        var lines = head(width) + table(width) + [Line(text: "")] + timelines(width)
        lines +=
            [Line(text: ""), Line(text: "last events", style: .strong)]
            + events(width, max(1, height - lines.count - 2))
        return lines.prefix(height).map { Line(text: String($0.text.prefix(width)), style: $0.style) }
    }

    // MARK: The first lines

    private func head(_ width: Int) -> [Line] {
        let report = StatusReport(view: model.view, width: width)
        let title = "bstar watch  \(time.text.dropLast(4))"
        let quit = "q quits"
        return [
            Line(text: title.padded(to: max(title.count + 1, width - quit.count)) + quit, style: .strong),
            verdict(report),
            gapLine, Line(text: ""),
        ]
    }

    private func verdict(_ report: StatusReport) -> Line {
        guard !model.view.statuses.isEmpty else {
            return Line(text: model.view.failures.first?.error.message ?? report.headline, style: .bad)
        }
        return Line(text: report.headline, style: model.gap == nil && model.view.condition == .oneServes ? .good : .bad)
    }

    private var gapLine: Line {
        if let gap = model.gap { return Line(text: "no server serves for \(gap.long)", style: .bad) }
        guard let gap = model.lastGap else { return Line(text: "no gap seen") }
        let ago = (model.now - gap.start - gap.length).long
        return Line(text: "the last gap was about \(gap.length.short), \(ago) ago")
    }

    // MARK: Both servers

    private func table(_ width: Int) -> [Line] {
        let column = max(10, (width - Self.label - 4) / 2)
        func row(_ name: String, style: Style = .plain, _ value: (Seat) -> String) -> Line {
            let cells = Seat.allCases.map { String(value($0).prefix(column)).padded(to: column) }
            return Line(text: name.padded(to: Self.label) + "  " + cells.joined(separator: "  "), style: style)
        }
        return [
            row("", style: .strong) { "\($0)" },
            row("role") { role($0) },
            row("term") { term($0) },
            row("peer heard") { seat in
                itself(seat) { status in
                    status.peer.map { "\(Duration.seconds($0.lastHeard).short) ago\($0.isExpired ? ": GONE" : "")" }
                        ?? "never"
                }
            },
            row("round trip") { seat in
                itself(seat) { $0.peer?.roundTrip.map { Duration.seconds($0).short } ?? "-" }
            },
            row("requests") { seat in
                itself(seat) { "\($0.requests.admitted.grouped) admitted, \($0.requests.refused.grouped) refused" }
            },
            row("handlers") { seat in
                itself(seat) { "\($0.requests.inFlight.grouped) running, \($0.requests.handlersFailed.grouped) failed" }
            },
            row("state") { seat in itself(seat, state) },
        ]
    }

    private func itself(_ seat: Seat, _ text: (BinaryStar.Status) -> String) -> String {
        model.view.status(of: seat).map(text) ?? "-"
    }

    private func role(_ seat: Seat) -> String {
        switch model.view.known(seat) {
        case .itself(let status):
            let age = status.lastChange.map { " for \(Duration.seconds($0.age).long)" } ?? ""
            return (status.role == .active ? "ACTIVE" : status.role.state) + age
        case .heard(let peer, _): return peer.isExpired ? "GONE" : "\(peer.role.state), as its peer hears"
        case .neverHeard: return "never heard"
        case .nothing: return "not asked"
        }
    }

    private func term(_ seat: Seat) -> String {
        switch model.view.known(seat) {
        case .itself(let status): "\(status.term)"
        case .heard(let peer, _): peer.term.map { "\($0)" } ?? "-"
        case .neverHeard, .nothing: "-"
        }
    }

    private func state(_ status: BinaryStar.Status) -> String {
        var states: [String] = []
        if status.isSuspect { states.append("STALLED") }
        if status.isDraining { states.append("hands over") }
        if status.isDrained { states.append("DRAINED") }
        if status.isPaused { states.append("PAUSED") }
        if !status.isHealthy, !status.isDrained { states.append("CANNOT SERVE") }
        return states.isEmpty ? "in service" : states.joined(separator: ", ")
    }

    // MARK: Over time

    private func timelines(_ width: Int) -> [Line] {
        let count = max(8, width - Self.label - 2)
        let span = (period * min(count, model.cells[.primary]?.count ?? 0)).long
        let rate = model.rate(every: period).map { Int($0.rounded()).grouped } ?? "-"
        return [
            Line(text: "the last \(span), from left to right; \(rate) requests a second", style: .strong),
            Line(text: "serves".padded(to: Self.label) + "  " + serving(count)),
            Line(text: "to primary".padded(to: Self.label) + "  " + heartbeats(.primary, count)),
            Line(text: "to backup".padded(to: Self.label) + "  " + heartbeats(.backup, count)),
            Line(text: "requests".padded(to: Self.label) + "  " + Self.bars(model.rates.suffix(count))),
        ]
    }

    private func serving(_ count: Int) -> String {
        let primary = (model.cells[.primary] ?? []).suffix(count)
        let backup = (model.cells[.backup] ?? []).suffix(count)
        return zip(primary, backup).map { primary, backup in
            switch (primary.isServing, backup.isServing) {
            case (true, true): "X"
            case (true, false): "P"
            case (false, true): "B"
            case (false, false): "."
            }
        }.joined()
    }

    /// A stroke for each heartbeat that arrived.
    private func heartbeats(_ seat: Seat, _ count: Int) -> String {
        (model.cells[seat] ?? []).suffix(count).map { cell in
            switch cell.heartbeats {
            case nil: " "
            case 0?: "."
            case 1?: "|"
            case let many?: many < 10 ? "\(many)" : "+"
            }
        }.joined()
    }

    static func bars(_ values: some Collection<Double>) -> String {
        guard let most = values.max(), most > 0 else { return String(repeating: ".", count: values.count) }
        let steps = Array(" ▁▂▃▄▅▆▇█")
        return String(values.map { value in steps[min(steps.count - 1, Int((value / most * 8).rounded(.up)))] })
    }

    // MARK: Events

    private func events(_ width: Int, _ count: Int) -> [Line] {
        guard !model.records.isEmpty else { return [Line(text: "none yet")] }
        return model.records.suffix(count).reversed().map { record in
            let time = TimeOfDay(milliseconds: Int64(clamping: record.time)).text
            return Line(
                text: "\(time)  \(record.seat.rawValue.padded(to: 7))  \(record.from.state) → \(record.to.state): "
                    + record.cause.explanation)
        }
    }
}
