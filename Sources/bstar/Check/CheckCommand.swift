import ArgumentParser
import BinaryStar
import BinaryStarConfig
import BinaryStarCore
import Configuration

struct CheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Looks whether a pair can do its work: says what is wrong, and what to do.",
        discussion: """
            A pair that runs is asked by its control sockets: bstar check

            Before a server is started, give its options of bstar serve: whether its ports are free, and whether its peer, if \
            it runs, is heard and told alike.
              bstar check --seat backup --frontend 'tcp://*:5001' --listen 'tcp://*:5003' --connect tcp://machine-a:5003
              bstar check --config /etc/bstar/serve.json

            It listens to the heartbeats for a while, as a peer would, and compares how late they come, and how late this \
            machine runs what is due, with what the timing bears. It serves nobody and changes nothing.

            EXIT CODES:
              0   nothing is wrong; there may be warnings
              1   something is wrong, or with --strict there is a warning
              64  wrong arguments
            """
    )

    @OptionGroup var servers: ControlOptions
    @OptionGroup var config: ConfigOptions

    @Option(help: "What the server is configured as: primary or backup.")
    var seat: Seat?

    @Option(help: ArgumentHelp("Where clients shall reach the server.", valueName: "endpoint"))
    var frontend: String?

    @Option(
        help: ArgumentHelp(
            "Where the server shall publish its role. May be given several times.", valueName: "endpoint"))
    var listen: [String] = []

    @Option(help: ArgumentHelp("Where the peer publishes its role. May be given several times.", valueName: "endpoint"))
    var connect: [String] = []

    @Option(help: ArgumentHelp("The server's interval. (default: 250ms)", valueName: "duration"))
    var interval: Duration?

    @Option(help: ArgumentHelp("The server's timeout. (default: 1s)", valueName: "duration"))
    var timeout: Duration?

    @Option(
        name: .customLong("for"),
        help: ArgumentHelp("How long to listen. (default: three timeouts, at least 3s)", valueName: "duration"))
    var time: Duration?

    @Flag(help: "One line of JSON: version, and findings with level, topic, text and advice.")
    var json = false

    @Flag(help: "Exit with 1 for warnings too.")
    var strict = false

    private var isPreflight: Bool {
        seat != nil || !listen.isEmpty || !connect.isEmpty || frontend != nil || config.config != nil
    }

    func validate() throws {
        if isPreflight, config.config == nil, seat == nil || connect.isEmpty || listen.isEmpty {
            throw ValidationError(
                "a server that is not started is checked by --seat, --listen and --connect, all three, or by --config")
        }
        if isPreflight, !servers.control.isEmpty {
            throw ValidationError("give either --control, for a server that runs, or the options of one that does not")
        }
        if let time, time < .milliseconds(100) || time > .seconds(3_600) {
            throw ValidationError("--for must be from 100ms to 1h")
        }
    }

    func run() async throws {
        Console.reportBrokenPipes()
        try await reportingErrors {
            let findings = try await isPreflight ? preflight() : checkRunning()
            let worst = findings.map(\.level)
            let lines = json ? [try Self.json(findings)] : Self.lines(findings)
            _ = Console.writeOutput(Array(lines.map { $0 + "\n" }.joined().utf8))
            if worst.contains(.failure) || strict && worst.contains(.warning) { throw ExitCode.failure }
        }
    }

    private static func json(_ findings: [Finding]) throws -> String {
        JSON.object([.init("version", .number("1")), .init("findings", try JSON(encoding: findings))]).text
    }

    static func lines(_ findings: [Finding]) -> [String] {
        let (failures, warnings) = (findings.count { $0.level == .failure }, findings.count { $0.level == .warning })
        let summary =
            failures == 0
            ? warnings == 0 ? "nothing is wrong" : "nothing is wrong; \(warnings) to look at"
            : "\(failures) wrong" + (warnings == 0 ? "" : ", \(warnings) to look at")
        return findings.flatMap { $0.lines(width: 80) } + ["", summary]
    }

    // MARK: A server that is not started

    private func preflight() async throws -> [Finding] {
        // The file may be that of either command.
        let reader = try await config.values(
            commandLine: ConfigOptions.commandLine(seat: seat, listen: listen, connect: connect),
            keys: ServeCommand.configKeys + GuardCommand.configKeys)
        let star: BinaryStar
        let clients: String?
        do throws(BinaryStarError) {
            var configuration = try BinaryStarConfiguration(config: reader)
            if let interval { configuration.timing.interval = interval }
            if let timeout { configuration.timing.timeout = timeout }
            if !servers.pairName.isEmpty { configuration.pairName = servers.pairName }
            // That one is for the server itself.
            configuration.control = nil
            let said = try ConfigValues(config: reader).text("frontend")
            clients = frontend ?? said
            star = try BinaryStar(configuration: configuration)
        } catch {
            return [.failure("options", error.message, "Correct it.")]
        }
        let checked = star.configuration
        var findings = [Finding.ok("options", "valid")]
        for endpoint in checked.allListen + [clients].compactMap({ $0 }) {
            findings.append(await port(endpoint, star))
        }
        var server = CheckedServer(seat: checked.seat, pairName: checked.pairName, timing: checked.timing)
        let look = try await look(at: checked.allConnect, timing: checked.timing)
        server.heard = look.heard
        return findings + server.findings(schedulingDelay: look.delay, wallClock: WallClock.milliseconds)
    }

    private func port(_ endpoint: String, _ star: BinaryStar) async -> Finding {
        // Binding a Unix socket would take it from whoever has it.
        guard endpoint.hasPrefix("tcp:") else { return .ok("port", "\(endpoint): not tried") }
        do throws(BinaryStarError) {
            _ = try await star.open(.pull, bind: endpoint)
            return .ok("port", "\(endpoint) is free")
        } catch {
            return .failure(
                "port", "cannot bind \(endpoint): \(error.underlyingError?.reason ?? error.message)", Self.advice(error)
            )
        }
    }

    private static func advice(_ error: BinaryStarError) -> String {
        error.underlyingError?.isAddressInUse == true
            ? "Another process has it: stop that one, or choose another port. If it is this very server, which runs "
                + "already: bstar check without options looks at it."
            : "Name an address of this machine, or *."
    }

    // MARK: A pair that runs

    private func checkRunning() async throws -> [Finding] {
        let servers = try ControlledServers(servers)
        let view = try await servers.view()
        var findings = view.servers.map { server -> Finding in
            switch server.answer {
            case .success(let status): .ok("control", "the \(status.seat) answers at \(server.control)")
            case .failure(let error):
                .failure("control", error.message, "Start it, or name its socket with --control.")
            }
        }
        guard !view.statuses.isEmpty else { return findings }
        // At the same time, so that two servers take no longer than one.
        let looks = try await withThrowingTaskGroup(of: (Int, Look).self) { group in
            for (index, status) in view.statuses.enumerated() {
                group.addTask { (index, try await look(at: status.configuration.connect, timing: status.timing)) }
            }
            return try await group.reduce(into: [Int: Look]()) { $0[$1.0] = $1.1 }
        }
        for (index, status) in view.statuses.enumerated() {
            guard let look = looks[index] else { continue }
            let server = CheckedServer(
                seat: status.seat, pairName: status.pairName, timing: status.timing, status: status, heard: look.heard)
            findings += server.findings(schedulingDelay: look.delay, wallClock: WallClock.milliseconds)
                .map { view.statuses.count > 1 ? $0.of(status.seat) : $0 }
        }
        findings += Self.clocks(view) + Self.condition(view)
        await servers.close()
        return findings
    }

    static func clocks(_ view: PairView) -> [Finding] {
        guard view.statuses.count == 2 else { return [] }
        let times = view.statuses.map(\.time)
        let difference = max(times[0], times[1]) - min(times[0], times[1])
        let text = "the servers' clocks differ by \(Duration.milliseconds(Int64(clamping: difference)).long)"
        guard difference > 2_000 else { return [.ok("clocks", "the servers' clocks agree")] }
        return [.warning("clocks", text, "See to time synchronisation: what the two log cannot be compared.")]
    }

    static func condition(_ view: PairView) -> [Finding] {
        let report = StatusReport(view: view)
        let condition =
            switch view.condition {
            case .oneServes: Finding.ok("service", report.headline)
            case .bothServe, .unknown: Finding.failure("service", report.headline, nil)
            case .nobodyServes: Finding.warning("service", report.headline, "Send a request; or use bstar promote.")
            }
        return [condition] + report.warnings.map { .warning("status", $0, nil) }
    }

    // MARK: Listening

    private struct Look {
        var heard: [(heard: Heard, reachability: Reachability)]
        var delay: Duration
    }

    private func look(
        at endpoints: [String], timing: HeartbeatTiming
    ) async throws -> Look {
        let time = time ?? max(.seconds(3), timing.timeout * 3)
        let star = try BinaryStar(
            configuration: .init(seat: .primary, listen: "tcp://127.0.0.1:*", connect: endpoints[0]))
        let listener = HeartbeatListener(star: star)
        async let delay = measureSchedulingDelay(for: time)
        let heard = try await withThrowingTaskGroup(of: (Int, Heard, Reachability).self) { group in
            for (index, endpoint) in endpoints.enumerated() {
                group.addTask {
                    let heard = try await listener.listen(at: endpoint, for: time)
                    let isSilent = heard.newest == nil
                    return (index, heard, isSilent ? try Reachability(of: endpoint, limit: .seconds(1)) : .reached)
                }
            }
            var results: [Int: (Heard, Reachability)] = [:]
            for try await (index, heard, reachability) in group { results[index] = (heard, reachability) }
            return endpoints.indices.compactMap { results[$0] }
        }
        return Look(heard: heard.map { (heard: $0.0, reachability: $0.1) }, delay: await delay)
    }
}

extension Finding {
    fileprivate func of(_ seat: Seat) -> Finding {
        var finding = self
        finding.text = "\(seat): \(text)"
        return finding
    }
}

extension BinaryStar.Status {
    var timing: HeartbeatTiming {
        // To the nanosecond, which is what the two servers tell each other.
        func duration(_ seconds: Double) -> Duration { .nanoseconds(Int64((seconds * 1e9).rounded())) }
        return HeartbeatTiming(
            interval: duration(configuration.interval), timeout: duration(configuration.timeout))
    }
}
