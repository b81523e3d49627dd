import ArgumentParser
import BinaryStar
import BinaryStarCore
import UnixSignals

struct WatchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch",
        abstract: "A live view of a pair: roles, heartbeats as they arrive, requests, gaps, the last events.",
        discussion: """
            Full screen, from 40 by 12 characters on; q or Ctrl-C quits. Without a terminal, or with NO_COLOR set, it writes \
            a line a second and one for each change instead.

            The lines over time have a character for each look. Who serves: P the primary, B the backup, X both, . nobody. \
            Heartbeats: | for one that arrived, a digit for several. A gap is as long as the looks tell.

            EXIT CODES:
              0   quit
              1   no server could be asked at the start
              64  wrong arguments
            """
    )

    @OptionGroup var servers: ControlOptions

    @Option(help: ArgumentHelp("How often to look.", valueName: "duration"))
    var every = Duration.milliseconds(100)

    func validate() throws {
        guard every >= .milliseconds(20), every <= .seconds(60) else {
            throw ValidationError("--every must be from 20ms to 1m")
        }
        guard servers.control.count <= 2 else { throw ValidationError("a pair has two servers: at most two --control") }
    }

    func run() async throws {
        Console.reportBrokenPipes()
        try await reportingErrors {
            let servers = try ControlledServers(servers)
            let view = try await servers.view()
            guard !view.statuses.isEmpty else {
                throw ControlFailure(view.failures.map(\.error.message).joined(separator: "; "))
            }
            let watch = Watch(servers: servers, every: every)
            let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm, .sighup)
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await watch.run(from: view) }
                group.addTask { for await _ in signals { return } }
                await group.next()
                group.cancelAll()
            }
            await servers.close()
        }
    }
}

/// Looks at a pair again and again, and shows it, until it is cancelled or told to quit.
struct Watch: Sendable {
    let servers: ControlledServers
    let every: Duration

    func run(from view: PairView) async {
        var model = WatchModel(view, at: .now)
        let terminal = Terminal.isWanted ? Terminal() : nil
        defer { terminal?.restore() }
        var plain = PlainWatch()
        while !Task.isCancelled {
            if model.isMissingRecords { await fetchRecords(&model) }
            let isSeen =
                if let terminal { draw(model, on: terminal) } else { write(plain.lines(model, every: every)) }
            guard isSeen, await pause(terminal), let view = try? await servers.view() else { return }
            model.add(view, at: .now)
        }
    }

    private func draw(_ model: WatchModel, on terminal: Terminal) -> Bool {
        let (width, height) = terminal.size
        let screen = WatchScreen(model: model, period: every, time: .now)
        return terminal.draw(screen.lines(width: width, height: height))
    }

    private func write(_ lines: [String]) -> Bool {
        lines.isEmpty || Console.writeOutput(Array(lines.map { $0 + "\n" }.joined().utf8))
    }

    /// Returns whether to go on.
    private func pause(_ terminal: Terminal?) async -> Bool {
        guard (try? await Task.sleep(for: every)) != nil else { return false }
        let quits: Set<UInt8> = [UInt8(ascii: "q"), UInt8(ascii: "Q"), 3]
        return terminal?.keys().allSatisfy { !quits.contains($0) } ?? true
    }

    private func fetchRecords(_ model: inout WatchModel) async {
        guard let answers = try? await servers.ask({ try await $0.history(limit: 50) }) else { return }
        let histories = answers.compactMap { try? $0.answer.get() }
        guard !histories.isEmpty else { return }
        // What a server that is gone now had said stays.
        let seats = Set(histories.joined().map(\.seat))
        let kept = model.records.filter { !seats.contains($0.seat) }
        model.gotRecords(HistoryReport.merge(histories + [kept]))
    }
}

/// What is written without a terminal: a line a second, and one for each change and each gap.
struct PlainWatch {
    private var told: Set<TransitionRecord> = []
    private var isFirst = true
    private var lastLine: MonotonicTime?
    private var hadGap = false

    mutating func lines(_ model: WatchModel, every period: Duration) -> [String] {
        var lines: [String] = []
        let time = TimeOfDay.now.text
        for record in model.records where told.insert(record).inserted && !isFirst {
            let time = TimeOfDay(milliseconds: Int64(clamping: record.time)).text
            lines.append(
                "\(time)  \(record.seat): \(record.to.state) (\(record.cause.explanation)); term \(record.term)")
        }
        isFirst = false
        if model.gap != nil, !hadGap { lines.append("\(time)  NOBODY SERVES") }
        if model.gap == nil, hadGap, let gap = model.lastGap {
            lines.append("\(time)  served again after about \(gap.length.short)")
        }
        hadGap = model.gap != nil
        if lastLine.map({ model.now - $0 >= .seconds(1) }) ?? true {
            lastLine = model.now
            let rate = model.rate(every: period).map { "; \(Int($0.rounded()).grouped) requests/s" } ?? ""
            lines.append("\(time)  \(StatusReport(view: model.view).headline)\(rate)")
        }
        return lines
    }
}
