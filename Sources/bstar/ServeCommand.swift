import ArgumentParser
import BinaryStar
import BinaryStarConfig
import Configuration
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

    @Option(help: ArgumentHelp("How long a handover waits for running requests. (default: 5s)", valueName: "duration"))
    var drainTimeout: Duration?

    @Option(
        help: ArgumentHelp(
            """
            Append a JSON line for each admitted request, each reply and each change of role: with the seat, the term, the \
            machine's monotonic clock in nanoseconds, and the client and its request's number if it says them.
            """, valueName: "file"))
    var accessLog: String?

    @OptionGroup var controlSocket: ControlSocketOptions

    @OptionGroup var http: HTTPOptions

    @Flag(help: "Answer on the star's own thread: fastest, for the echo service only.")
    var inline = false

    @Option(
        help: ArgumentHelp(
            "Pass requests on to the REP or ROUTER service at this endpoint, instead of echoing them.",
            valueName: "endpoint"))
    var upstream: String?

    @Option(
        help: ArgumentHelp(
            "How long the upstream service may take for a request. (default: 10s)", valueName: "duration"))
    var upstreamTimeout: Duration?

    @OptionGroup var config: ConfigOptions

    @OptionGroup var log: LogOptions

    /// Beside those of a pair.
    static let configKeys = ["frontend", "upstream", "upstreamTimeout", "accessLog"] + HTTPOptions.configKeys

    func validate() throws {
        guard [pair.seat != nil, isClassicPrimary, isClassicBackup].count(where: { $0 }) <= 1 else {
            throw Self.whichSeat
        }
    }

    func run() async throws {
        try await reportingErrors {
            let reader = try await config.values(commandLine: commandLine, keys: Self.configKeys)
            var command = self
            try command.fill(from: ConfigValues(config: reader))
            try await command.serve(try command.makeConfiguration(reader))
        }
    }

    private static let whichSeat = ValidationError(
        "say which server of the pair this is: --seat primary or --seat backup; or -p or -b")

    /// The seat that -p or -b names.
    private var classicSeat: Seat? { isClassicPrimary ? .primary : isClassicBackup ? .backup : nil }

    private var commandLine: [AbsoluteConfigKey: ConfigValue] {
        var values = pair.commandLine
        if classic { values["wire"] = "classic" }
        guard let seat = classicSeat else { return values }
        let ports = seat == .primary ? (own: 5003, peer: 5004) : (own: 5004, peer: 5003)
        values["seat"] = ConfigValue(.string(seat.rawValue), isSecret: false)
        if pair.listen.isEmpty {
            values["listen"] = ConfigValue(.string("tcp://127.0.0.1:\(ports.own)"), isSecret: false)
        }
        if pair.connect.isEmpty {
            values["connect"] = ConfigValue(.string("tcp://127.0.0.1:\(ports.peer)"), isSecret: false)
        }
        return values
    }

    /// Takes from the environment and the file what the command line leaves open, and checks the whole.
    private mutating func fill(from values: ConfigValues) throws {
        if frontend == nil, let seat = classicSeat { frontend = "tcp://127.0.0.1:\(seat == .primary ? 5001 : 5002)" }
        frontend = try frontend ?? values.text("frontend")
        upstream = try upstream ?? values.text("upstream")
        upstreamTimeout = try upstreamTimeout ?? values.duration("upstreamTimeout")
        accessLog = try accessLog ?? values.text("accessLog")
        try http.fill(from: values)
        guard try values.text("seat") != nil else { throw Self.whichSeat }
        guard frontend != nil, try !values.endpoints("listen").isEmpty, try !values.endpoints("connect").isEmpty else {
            throw ValidationError(
                "--seat needs --frontend, --listen and --connect; for a trial on this machine use -p and -b instead")
        }
        guard !(inline && upstream != nil) else {
            throw ValidationError("--inline is for the echo service; leave it out with --upstream, which has to wait")
        }
    }

    private func makeConfiguration(_ reader: ConfigReader) throws -> BinaryStarConfiguration {
        var configuration = try BinaryStarConfiguration(config: reader)
        if let drainTimeout { configuration.drainTimeout = drainTimeout }
        pair.apply(to: &configuration)
        controlSocket.apply(to: &configuration)
        return configuration
    }

    private func serve(_ configuration: BinaryStarConfiguration) async throws {
        let logger = log.makeLogger(label: "bstar")
        let seat = configuration.seat
        let metrics = http.makeMetrics()
        let star = try BinaryStar(configuration: configuration, metrics: metrics.factory, logger: logger)
        let records = try accessLog.map { try AccessLog(path: $0, seat: seat) }
        let recording = Task { await records?.write() }
        if let records { await star.observe { records.record($0) } }
        let endpoint = try await addVoter(to: star)
        let control = await controlSocket.open(of: star)
        let status = try await http.listen(for: star, metrics: metrics, logger: logger)
        let events = star.events
        let narration = Task { await narrate(events, of: star, endpoint: endpoint, control: control) }
        let result = await Result { try await runInGroup(star, status, logger: logger) }
        await narration.value
        records?.finish()
        await recording.value
        try result.get()
        Console.print("\(seat): stopped")
    }

    private func addVoter(to star: BinaryStar) async throws -> String {
        let endpoint = frontend ?? ""
        if let upstream {
            let service = try await Upstream(
                star.open(.dealer, connect: upstream), timeout: upstreamTimeout ?? .seconds(10))
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
        let state = configuration.allListen.joined(separator: " and ")
        let peer = configuration.allConnect.joined(separator: " and ")
        Console.print("\(configuration.seat): starting; clients at \(endpoint), state at \(state), peer at \(peer)")
        if let control { Console.print("\(configuration.seat): control at \(control), for bstar status and the like") }
        for await change in events {
            Console.print("\(configuration.seat): \(change.story)")
        }
    }
}

extension Result where Failure == any Error {
    init(_ body: () async throws -> Success) async {
        do { self = .success(try await body()) } catch { self = .failure(error) }
    }
}
