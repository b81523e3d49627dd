import ArgumentParser
import BinaryStar
import Logging
import ServiceLifecycle
import UnixSignals

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Runs one server of a pair: an echo service, or a front for any REP or ROUTER service.",
        discussion: """
            On machine-a:
              bstar serve --seat primary --frontend 'tcp://*:5001' --listen 'tcp://*:5003' --connect tcp://machine-b:5003
            On machine-b:
              bstar serve --seat backup --frontend 'tcp://*:5001' --listen 'tcp://*:5003' --connect tcp://machine-a:5003
            Both on this machine, at the zguide's ports:
              bstar serve -p
              bstar serve -b

            SIGINT and SIGTERM hand over to the peer and stop the server.
            """
    )

    @Option(help: "What this server is configured as: primary or backup.")
    var seat: Seat?

    @Flag(name: .customShort("p"), help: "The primary at the zguide's ports of this machine: clients 5001, state 5003.")
    var isClassicPrimary = false

    @Flag(name: .customShort("b"), help: "The backup at the zguide's ports of this machine: clients 5002, state 5004.")
    var isClassicBackup = false

    @Option(help: ArgumentHelp("Where clients reach this server, such as 'tcp://*:5001'.", valueName: "endpoint"))
    var frontend: String?

    @Option(
        help: ArgumentHelp(
            "Where this server publishes its role, such as 'tcp://*:5003'. May be given several times.",
            valueName: "endpoint"))
    var listen: [String] = []

    @Option(
        help: ArgumentHelp(
            """
            Where the peer publishes its role, such as tcp://other:5003. Several times for several networks between the \
            two machines: what is heard over any of them counts.
            """, valueName: "endpoint"))
    var connect: [String] = []

    @Option(
        help: ArgumentHelp(
            "How often to publish the role. The same on both servers. (default: 250ms; with --classic 1s)",
            valueName: "duration"))
    var interval: Duration?

    @Option(
        help: ArgumentHelp(
            """
            How long a silent peer counts as alive. At least two intervals; the same on both servers. \
            (default: 1s; with --classic 2s)
            """, valueName: "duration"))
    var timeout: Duration?

    @Flag(help: "The plain wire and the times of the zguide, for a zguide server as the peer.")
    var classic = false

    @Option(help: ArgumentHelp("The pair's name, the same on both servers.", valueName: "name"))
    var pairName = ""

    @Option(
        help: ArgumentHelp(
            "Let a backup that never met its primary serve after this time, if a client asks. (default: never)",
            valueName: "duration"))
    var coldStart: Duration?

    @Option(
        help: ArgumentHelp(
            "When a zguide server claims the same role: failStop ends this one, stepDown gives way.",
            valueName: "policy"))
    var onConflict = ConflictPolicy.failStop

    @Option(help: ArgumentHelp("How long a handover waits for running requests.", valueName: "duration"))
    var drainTimeout = Duration.seconds(5)

    @Option(help: ArgumentHelp("Where to keep the latest 1,000 changes of role and term.", valueName: "directory"))
    var stateDirectory: String?

    @Option(
        help: ArgumentHelp(
            """
            Append a JSON line for each admitted request, each reply and each change of role: with the seat, the term, the \
            machine's monotonic clock in nanoseconds, and the client and its request's number if it says them.
            """, valueName: "file"))
    var accessLog: String?

    @Option(
        help: ArgumentHelp(
            """
            Where operators reach this server: the path of a Unix socket, which only this user can use. (default: \
            [PAIR-]SEAT.sock in $RUNTIME_DIRECTORY, /run/bstar for root, $XDG_RUNTIME_DIR/bstar or /tmp/bstar-UID)
            """, valueName: "path"))
    var control: String?

    @Flag(help: "No control socket: bstar status and the like do not reach this server.")
    var noControl = false

    @Flag(help: "Answer on the star's own thread: fastest, for the echo service only.")
    var inline = false

    @Option(
        help: ArgumentHelp(
            "Pass requests on to the REP or ROUTER service at this endpoint, instead of echoing them.",
            valueName: "endpoint"))
    var upstream: String?

    @Option(help: ArgumentHelp("How long the upstream service may take for a request.", valueName: "duration"))
    var upstreamTimeout = Duration.seconds(10)

    @OptionGroup var log: LogOptions

    func validate() throws {
        let seats = [seat != nil, isClassicPrimary, isClassicBackup].count { $0 }
        guard seats == 1 else {
            throw ValidationError("say which server of the pair this is: --seat primary or --seat backup; or -p or -b")
        }
        guard isClassicPrimary || isClassicBackup || (frontend != nil && !listen.isEmpty && !connect.isEmpty) else {
            throw ValidationError(
                "--seat needs --frontend, --listen and --connect; for a trial on this machine use -p and -b instead")
        }
        guard !(noControl && control != nil) else {
            throw ValidationError("--no-control leaves out what --control asks for: give one of them")
        }
        guard !(inline && upstream != nil) else {
            throw ValidationError("--inline is for the echo service; leave it out with --upstream, which has to wait")
        }
    }

    func run() async throws {
        try await reportingErrors {
            let logger = log.makeLogger(label: "bstar")
            let star = try BinaryStar(configuration: makeConfiguration(), logger: logger)
            let records = try accessLog.map { try AccessLog(path: $0, seat: theSeat) }
            let recording = Task { await records?.write() }
            if let records { await star.observe { records.record($0) } }
            let endpoint = try await addVoter(to: star)
            let control = await openControl(of: star)
            let events = star.events
            let narration = Task { await narrate(events, of: star, endpoint: endpoint, control: control) }
            let group = ServiceGroup(
                configuration: .init(
                    services: [.init(service: star)], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
            let result = await Result { try await group.run() }
            await narration.value
            records?.finish()
            await recording.value
            try result.get()
            Console.print("\(seatName): stopped")
        }
    }

    private var theSeat: Seat { seat ?? (isClassicPrimary ? .primary : .backup) }

    private var seatName: String { "\(theSeat)" }

    private func makeConfiguration() -> BinaryStarConfiguration {
        let ports = theSeat == .primary ? (own: 5003, peer: 5004) : (own: 5004, peer: 5003)
        var timing = classic ? HeartbeatTiming.classic : .standard
        if let interval { timing.interval = interval }
        if let timeout { timing.timeout = timeout }
        var configuration = BinaryStarConfiguration(
            seat: theSeat,
            listen: listen.first ?? "tcp://127.0.0.1:\(ports.own)",
            connect: connect.first ?? "tcp://127.0.0.1:\(ports.peer)",
            timing: timing
        )
        configuration.furtherListen = Array(listen.dropFirst())
        configuration.furtherConnect = Array(connect.dropFirst())
        configuration.pairName = pairName
        if classic { configuration.wire = .classic }
        if let coldStart { configuration.coldStart = .after(coldStart) }
        configuration.conflictPolicy = onConflict
        configuration.drainTimeout = drainTimeout
        configuration.stateDirectory = stateDirectory
        configuration.control = control.map(ControlPaths.endpoint)
        return configuration
    }

    /// Opens the control socket at its usual place. A server serves without one too: another one may have the place already.
    ///
    /// - Returns: where it is, if there is one.
    private func openControl(of star: BinaryStar) async -> String? {
        if let control { return ControlPaths.endpoint(control) }
        guard !noControl else { return nil }
        do {
            let endpoint = try ControlPaths.current.endpointToBind(pair: pairName, seat: theSeat)
            try await star.openControl(at: endpoint)
            return endpoint
        } catch {
            Console.printError(
                "bstar: \(seatName) has no control socket: \(error); say where with --control, or --no-control")
            return nil
        }
    }

    private func addVoter(to star: BinaryStar) async throws -> String {
        let endpoint = frontend ?? "tcp://127.0.0.1:\(theSeat == .primary ? 5001 : 5002)"
        if let upstream {
            let service = try await Upstream(star.open(.dealer, connect: upstream), timeout: upstreamTimeout)
            return try await star.addVoter(.router, bind: endpoint) { try await service.forward($0.body) }
        }
        if inline { return try await star.addInlineVoter(.router, bind: endpoint, handler: { $0.body }) }
        return try await star.addVoter(.router, bind: endpoint) { $0.body }
    }

    /// Tells on standard output what happens, one line each.
    private func narrate(_ events: AsyncStream<RoleChange>, of star: BinaryStar, endpoint: String, control: String?)
        async
    {
        let configuration = star.configuration
        Console.print(
            "\(seatName): starting; clients at \(endpoint), state at \(list(configuration.listen, configuration.furtherListen)), "
                + "peer at \(list(configuration.connect, configuration.furtherConnect))")
        if let control { Console.print("\(seatName): control at \(control), for bstar status and the like") }
        for await change in events {
            Console.print("\(seatName): \(change.story)")
        }
    }

    private func list(_ endpoint: String, _ further: [String]) -> String {
        ([endpoint] + further).joined(separator: " and ")
    }
}

extension Result where Failure == any Error {
    init(_ body: () async throws -> Success) async {
        do { self = .success(try await body()) } catch { self = .failure(error) }
    }
}
