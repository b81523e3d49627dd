import ArgumentParser
import BinaryStar
import BinaryStarConfig
import Configuration
import Logging

struct GuardCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "guard",
        abstract: "Runs an ordinary program on one of two machines: on the active one.",
        discussion: """
            On machine-a:
              bstar guard --seat primary --listen 'tcp://*:5003' --connect tcp://machine-b:5003 -- my-server --port 80
            On machine-b:
              bstar guard --seat backup --listen 'tcp://*:5003' --connect tcp://machine-a:5003 -- my-server --port 80

            The program is started when this server becomes active. It is asked to stop (SIGTERM, and after the grace SIGKILL) \
            when the server ceases to be, and has ended before the peer is let take over. When it exits by itself it is started \
            again, so often as --restarts allows, and then the peer takes over. All that it started ends with it, and with \
            bstar guard, whatever ends that. While bstar guard does not say in time that it may run on, it is killed, before \
            the peer takes over.

            The program and the hooks find in their environment:
              BSTAR_TERM   a number that grows with every activation of the pair. Let the program write it with all that it
                           stores outside, and let the store refuse a lower one: so a machine that was cut off does no harm
              BSTAR_SEAT   primary or backup
              BSTAR_ROLE   active; passive for --on-passive
              BSTAR_CAUSE  why the server has become active; for --on-passive, why it ceases to be

            SIGINT and SIGTERM stop the program, hand over to the peer, and end bstar guard.
            """
    )

    enum Vote: String, ExpressibleByArgument, CaseIterable {
        /// The silence of the peer is enough.
        case automatic
        /// It takes a client's request at the voter too.
        case clients
    }

    @OptionGroup var pair: PairOptions

    @Option(
        help: ArgumentHelp(
            """
            What it takes for a failover when the peer is silent. automatic: nothing more; then both machines run the program \
            while the network between them is cut. clients: a request at --voter, which clients send to the machine that they \
            reach. (default: automatic)
            """))
    var vote: Vote?

    @Option(
        help: ArgumentHelp(
            "Where clients ask for service with --vote clients, such as 'tcp://*:5001'. The reply is the term.",
            valueName: "endpoint"))
    var voter: String?

    @Option(
        help: ArgumentHelp(
            "How long the program may take to end when it is asked to. (default: 10s)", valueName: "duration"))
    var grace: Duration?

    @Option(
        help: ArgumentHelp(
            "How often the program is started again within the window. (default: 3)", valueName: "number"))
    var restarts: Int?

    @Option(
        help: ArgumentHelp(
            "After this time without an exit, earlier ones count no more. (default: 60s)", valueName: "duration"))
    var restartWindow: Duration?

    @Option(
        help: ArgumentHelp(
            "Run this by the shell when the server becomes active, before the program. Bounded by the grace.",
            valueName: "command"))
    var onActive: String?

    @Option(
        help: ArgumentHelp(
            """
            Run this by the shell when the server ceases to be active, after the program has ended and before the peer is let \
            take over. Bounded by the grace.
            """,
            valueName: "command"))
    var onPassive: String?

    @OptionGroup var controlSocket: ControlSocketOptions

    @OptionGroup var http: HTTPOptions

    @OptionGroup var config: ConfigOptions

    @OptionGroup var log: LogOptions

    @Argument(parsing: .postTerminator, help: "The program and its arguments, behind --.")
    var command: [String] = []

    func validate() throws {
        guard !command.isEmpty else {
            throw ValidationError(
                "say which program to run, behind --; for example: bstar guard … -- my-server --port 80")
        }
        if vote == .automatic, voter != nil {
            throw ValidationError("--voter is for --vote clients: leave one of them out")
        }
    }

    func run() async throws {
        try await reportingErrors {
            let reader = try await config.values(commandLine: pair.commandLine, keys: Self.configKeys)
            var command = self
            try command.fill(from: ConfigValues(config: reader))
            try await command.guardProgram(try command.makeConfiguration(reader))
        }
    }

    /// Beside those of a pair.
    static let configKeys =
        ["grace", "restarts", "restartWindow", "onActive", "onPassive", "voter"] + HTTPOptions.configKeys

    /// Takes from the environment and the file what the command line leaves open, and checks the whole.
    private mutating func fill(from values: ConfigValues) throws {
        grace = try grace ?? values.duration("grace")
        restarts = try restarts ?? values.number("restarts")
        restartWindow = try restartWindow ?? values.duration("restartWindow")
        onActive = try onActive ?? values.text("onActive")
        onPassive = try onPassive ?? values.text("onPassive")
        if vote != .automatic { voter = try voter ?? values.text("voter") }
        try http.fill(from: values)
        guard vote != .clients || voter != nil else { throw ValidationError("--vote clients needs --voter") }
        guard restarts ?? 0 >= 0 else { throw ValidationError("--restarts must not be negative") }
        guard try values.text("seat") != nil, try !values.endpoints("listen").isEmpty,
            try !values.endpoints("connect").isEmpty
        else { throw ValidationError("--seat, --listen and --connect are needed") }
    }

    private var theGrace: Duration { grace ?? .seconds(10) }

    private func makeConfiguration(_ reader: ConfigReader) throws -> BinaryStarConfiguration {
        var configuration = try BinaryStarConfiguration(config: reader)
        pair.apply(to: &configuration)
        controlSocket.apply(to: &configuration)
        // A handover waits for the program to end, and for the hook behind it.
        configuration.drainTimeout = theGrace * 2 + .seconds(3)
        return configuration
    }

    private func guardProgram(_ configuration: BinaryStarConfiguration) async throws {
        Console.reportBrokenPipes()
        Children.adoptOrphans()
        let logger = log.makeLogger(label: "bstar")
        let seat = configuration.seat
        let limit = RestartLimit(restarts: restarts ?? 3, window: restartWindow ?? .seconds(60))
        let program = GuardedProgram(
            command: command, grace: theGrace, onActive: onActive, onPassive: onPassive, limit: limit, seat: seat)
        let metrics = http.makeMetrics()
        let star = try BinaryStar(
            configuration: configuration, health: { program.isHealthy }, metrics: metrics.factory, logger: logger)
        if let voter { try await star.addVoter(.router, bind: voter) { Message("\($0.term)") } }
        let control = await controlSocket.open(of: star)
        let status = try await http.listen(for: star, metrics: metrics, logger: logger)
        let events = star.events
        async let narration: Void = narrate(events, of: seat)
        let keeping = Task { try await program.run(on: star) }
        let voting = Task {
            if voter == nil { await voteAgainAndAgain(star, every: configuration.timing.interval) }
        }
        Console.print("\(seat): guarding \(command[0])")
        if let control { Console.print("\(seat): control at \(control), for bstar status and the like") }
        let result = await Result { try await runInGroup(star, status, logger: logger) }
        voting.cancel()
        try await keeping.value
        await narration
        try result.get()
        Console.print("\(seat): stopped")
    }

    /// Asks for service as a client would. A vote that cannot be decided yet waits in the star until the peer expires.
    private func voteAgainAndAgain(_ star: BinaryStar, every interval: Duration) async {
        while !Task.isCancelled {
            await star.vote()
            try? await Task.sleep(for: interval)
        }
    }

    private func narrate(_ events: AsyncStream<RoleChange>, of seat: Seat) async {
        for await change in events { Console.print("\(seat): \(change.story)") }
    }
}
