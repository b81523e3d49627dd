import ArgumentParser
import BinaryStar
import Logging
import ServiceLifecycle
import UnixSignals

struct RequestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "request",
        abstract: "Sends requests to a pair, and shows who replies, how fast, and each failover with its length.",
        discussion: """
            Without endpoints it talks to the zguide's ports of this machine. It goes on until Ctrl-C unless --count is \
            given. The exit code is 1 if a request got no reply.
            """
    )

    @Option(help: ArgumentHelp("Where the primary serves clients.", valueName: "endpoint"))
    var primary = "tcp://127.0.0.1:5001"

    @Option(help: ArgumentHelp("Where the backup serves clients.", valueName: "endpoint"))
    var backup = "tcp://127.0.0.1:5002"

    @Option(help: ArgumentHelp("How many requests to send. (default: until Ctrl-C)", valueName: "number"))
    var count: Int?

    @Option(help: ArgumentHelp("The time from one request to the next.", valueName: "duration"))
    var every = Duration.seconds(1)

    @Option(
        help: ArgumentHelp("How long one request may take, failovers included.", valueName: "duration"))
    var timeout = Duration.seconds(10)

    @Flag(help: "The settle delay of the zguide (2s instead of 1s), for servers with the zguide's times.")
    var classic = false

    @Flag(help: "One request at a time and no header, as a REQ socket, for servers that keep no envelope.")
    var plain = false

    @OptionGroup var log: LogOptions

    @Argument(help: "What to send. (default: the number of the request)")
    var text: String?

    func validate() throws {
        if let count, count < 1 { throw ValidationError("--count must be at least 1") }
    }

    func run() async throws {
        try await reportingErrors {
            let logger = log.makeLogger(label: "bstar")
            var configuration =
                classic
                ? BinaryStarClientConfiguration.classic(primary: primary, backup: backup)
                : BinaryStarClientConfiguration(primary: primary, backup: backup)
            configuration.requestTimeout = timeout
            configuration.envelope = plain ? .plain : .header
            let client = try BinaryStarClient(configuration: configuration, logger: logger)
            let requester = Requester(client: client, text: text, count: count, every: every)
            let group = ServiceGroup(
                configuration: .init(
                    services: [.init(service: requester, successTerminationBehavior: .gracefullyShutdownGroup)],
                    gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
            try await group.run()
            await client.close()
            let summary = await requester.summary
            Console.print(summary.text)
            if summary.failed > 0 { throw ExitCode.failure }
        }
    }
}
