import ArgumentParser
import BinaryStar
import BinaryStarCore
import Logging
import ServiceLifecycle
import UnixSignals

struct RequestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "request",
        abstract: "Sends requests to a pair, and shows who replies, how fast, and each failover with its length.",
        discussion: """
            Without endpoints it talks to the zguide's ports of this machine: one request a second, until Ctrl-C.

            PACE:
            With --every, one request at a time. While one waits, none follows: an outage is one slow request.

            With --rate, as many requests a second at fixed instants, whatever becomes of them. Latencies count from the \
            instant at which a request was due, not from that at which it was sent: an outage shows in every request that \
            it delayed (no coordinated omission).

            With --in-flight, the next request as soon as one of as many has ended. Together with --rate it is how many may \
            wait at most; what finds no room is sent late, and counts from when it was due.

            OUTPUT:
            Each request, if at most \(RequestPlan.eachPerSecond) a second are sent or at most \(RequestPlan.eachInAll) in \
            all; otherwise a line a second. Failovers and gaps with the time in which a request waited and no server \
            replied. A summary at the end, also after Ctrl-C.

            With - standard output has the replies alone, one a line in the order of the lines of standard input: an empty \
            line where there was none, a tab between frames. The rest goes to standard error.

            EXIT CODES:
              0   no request failed, also after Ctrl-C, and when nobody reads the output
              1   a request failed, or standard input could not be read
              64  wrong arguments
            """
    )

    @Option(help: ArgumentHelp("Where the primary serves clients.", valueName: "endpoint"))
    var primary = "tcp://127.0.0.1:5001"

    @Option(help: ArgumentHelp("Where the backup serves clients.", valueName: "endpoint"))
    var backup = "tcp://127.0.0.1:5002"

    @Option(
        help: ArgumentHelp("How many requests to send. (default: until Ctrl-C, or the last line)", valueName: "number"))
    var count: Int?

    @Option(
        help: ArgumentHelp(
            "The time from one request to the next. (default: 1s; with - as soon as there is a line)",
            valueName: "duration"))
    var every: Duration?

    @Option(
        help: ArgumentHelp("How many requests a second to send, at fixed instants.", valueName: "number"))
    var rate: Double?

    @Option(
        help: ArgumentHelp(
            "How many requests may wait for a reply at a time. (default: 1; with --rate \(RequestPlan.openLoopLimit))",
            valueName: "number"))
    var inFlight: Int?

    @Option(
        help: ArgumentHelp("Send this many bytes in each request, such as 100 or 4KiB; up to 64MiB.", valueName: "size")
    )
    var payload: ByteSize?

    @Option(
        help: ArgumentHelp("How long one request may take, failovers included.", valueName: "duration"))
    var timeout = Duration.seconds(10)

    @Option(
        help: ArgumentHelp(
            "From which length on to show a time in which a request waited and no server replied.",
            valueName: "duration"))
    var gap = Duration.milliseconds(100)

    @Flag(help: "One JSON object a line, for programs: each reply, failure, failover and gap, and the summary.")
    var json = false

    @Flag(help: "Show each request, however many there are.")
    var each = false

    @Flag(help: "Show failovers, gaps and the summary only.")
    var quiet = false

    @Flag(help: "The settle delay of the zguide (2s instead of 1s), for servers with the zguide's times.")
    var classic = false

    @Flag(help: "One request at a time and no header, as a REQ socket, for servers that keep no envelope.")
    var plain = false

    @Flag(help: "Never send a request again that may have been received: if no reply comes, its outcome is unknown.")
    var once = false

    @OptionGroup var log: LogOptions

    @Argument(
        help: """
            What to send; with - each line of standard input as a request. (default: the number of the request)
            """)
    var text: String?

    func validate() throws { _ = try RequestPlan(self) }

    func run() async throws {
        Console.reportBrokenPipes()
        try await reportingErrors {
            let plan = try RequestPlan(self)
            let logger = log.makeLogger(label: "bstar")
            let client = try BinaryStarClient(configuration: clientConfiguration(plan), logger: logger)
            let ledger = Ledger(
                RequestStatistics(start: .now, gapThreshold: gap), outcomes: plan.output.outcomes,
                isOrdered: plan.isOrdered)
            let writer = ReportWriter(ledger, as: plan.report)
            let requester = Requester(
                client: client, delivery: once ? .once : .atLeastOnce, payload: plan.payload, pace: plan.pace,
                count: count ?? .max,
                slots: Slots(plan.inFlight), ledger: ledger, writer: writer, tellsSeconds: plan.output == .seconds)
            let group = ServiceGroup(
                configuration: .init(
                    services: [
                        .init(
                            service: requester, successTerminationBehavior: .gracefullyShutdownGroup,
                            failureTerminationBehavior: .gracefullyShutdownGroup)
                    ],
                    gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
            let result = await Result { try await group.run() }
            let summary = ledger.summary(at: .now)
            await writer.finish(summary)
            await client.close()
            try result.get()
            if summary.statistics.failed > 0 { throw ExitCode.failure }
        }
    }

    private func clientConfiguration(_ plan: RequestPlan) -> BinaryStarClientConfiguration {
        var configuration =
            classic
            ? BinaryStarClientConfiguration.classic(primary: primary, backup: backup)
            : BinaryStarClientConfiguration(primary: primary, backup: backup)
        configuration.requestTimeout = timeout
        configuration.maximumInFlight = plan.inFlight
        configuration.envelope = plain ? .plain : .header
        return configuration
    }
}
