import ArgumentParser
import BinaryStar
import Logging

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

    @OptionGroup var pair: PairOptions

    @Flag(name: .customShort("p"), help: "The primary at the zguide's ports of this machine: clients 5001, state 5003.")
    var isClassicPrimary = false

    @Flag(name: .customShort("b"), help: "The backup at the zguide's ports of this machine: clients 5002, state 5004.")
    var isClassicBackup = false

    @Option(help: ArgumentHelp("Where clients reach this server, such as 'tcp://*:5001'.", valueName: "endpoint"))
    var frontend: String?

    @Flag(
        help: """
            The plain wire and the times of the zguide, 1s and 2s unless --interval and --timeout say otherwise: for a zguide \
            server as the peer.
            """)
    var classic = false

    @Option(help: ArgumentHelp("How long a handover waits for running requests.", valueName: "duration"))
    var drainTimeout = Duration.seconds(5)

    @Option(
        help: ArgumentHelp(
            """
            Append a JSON line for each admitted request, each reply and each change of role: with the seat, the term, the \
            machine's monotonic clock in nanoseconds, and the client and its request's number if it says them.
            """, valueName: "file"))
    var accessLog: String?

    @OptionGroup var controlSocket: ControlSocketOptions

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
        let seats = [pair.seat != nil, isClassicPrimary, isClassicBackup].count { $0 }
        guard seats == 1 else {
            throw ValidationError("say which server of the pair this is: --seat primary or --seat backup; or -p or -b")
        }
        guard isClassicPrimary || isClassicBackup || (frontend != nil && !pair.listen.isEmpty && !pair.connect.isEmpty)
        else {
            throw ValidationError(
                "--seat needs --frontend, --listen and --connect; for a trial on this machine use -p and -b instead")
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
            let control = await controlSocket.open(of: star)
            let events = star.events
            let narration = Task { await narrate(events, of: star, endpoint: endpoint, control: control) }
            let result = await Result { try await runInGroup(star, logger: logger) }
            await narration.value
            records?.finish()
            await recording.value
            try result.get()
            Console.print("\(seatName): stopped")
        }
    }

    private var theSeat: Seat { pair.seat ?? (isClassicPrimary ? .primary : .backup) }

    private var seatName: String { "\(theSeat)" }

    private func makeConfiguration() -> BinaryStarConfiguration {
        let ports = theSeat == .primary ? (own: 5003, peer: 5004) : (own: 5004, peer: 5003)
        var configuration = BinaryStarConfiguration(
            seat: theSeat, listen: "tcp://127.0.0.1:\(ports.own)", connect: "tcp://127.0.0.1:\(ports.peer)",
            timing: classic ? .classic : .standard)
        if classic { configuration.wire = .classic }
        configuration.drainTimeout = drainTimeout
        pair.apply(to: &configuration)
        controlSocket.apply(to: &configuration)
        return configuration
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
