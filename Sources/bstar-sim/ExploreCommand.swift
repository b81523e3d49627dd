import ArgumentParser
import BinaryStarSimulator

/// Everything that can happen, within bounds.
struct ExploreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explore",
        abstract: "Looks at every course of events of a pair with few faults.",
        discussion: """
            Two servers, two clients, and a network that loses and duplicates; servers stall, die, start again and hand over.
              bstar-sim explore
              bstar-sim explore --faults 2 --transit 1 --seconds 3600
            """)

    @Option(help: "How many faults one course of events may have.")
    var faults = 1

    @Option(help: "How many clients ask.")
    var clients = 2

    @Option(help: "How far virtual time goes, in ticks; two are an interval. Without it: until nothing new can come.")
    var depth: Int?

    @Option(help: "An interval, in ticks.")
    var interval = 2

    @Option(help: "The timeout, in ticks.")
    var timeout = 6

    @Option(
        help: """
            From how many ticks after it was sent a heartbeat is heard before anything else: 1 for always, up to half of what the \
            timeout is longer than the interval. Needed for two faults.
            """)
    var transit: Int?

    @Option(help: "Stop after so many states.")
    var states: Int?

    @Option(help: "Stop after so long.")
    var seconds: Double?

    @Option(help: "How many threads look.")
    var workers = 2

    func run() async throws {
        var bounds = Bounds()
        bounds.faults = faults
        bounds.clients = max(1, clients)
        bounds.ticks = depth
        bounds.interval = interval
        bounds.timeout = timeout
        bounds.transit = transit.map { max(1, $0) }
        bounds.states = states ?? .max
        bounds.seconds = seconds ?? .infinity
        bounds.workers = max(1, workers)
        let misprints = TableCheck.violations()
        for violation in misprints { print("BROKEN \(violation)") }
        guard misprints.isEmpty else { throw ExitCode.failure }
        let result = await Explorer.explore(bounds)
        print(
            """
            \(result.states) states, \(result.transitions) transitions, up to \(result.moves) moves, \
            in \(result.seconds) s: \(Int(Double(result.states) / result.seconds)) states a second
            """)
        print(
            """
            bounds: 2 servers, \(bounds.clients) clients, \(Bounds.inFlight) heartbeats on their way in each direction, \
            \(bounds.faults) faults, an interval of \(bounds.interval) ticks, a timeout of \(bounds.timeout), heartbeats heard \
            \(bounds.transit.map { "first from \($0) ticks on" } ?? "in any order")
            """)
        if result.isClosed {
            print("covered completely, however long it goes on: after \(result.ticks) ticks nothing new comes")
        } else {
            print("covered completely: \(result.ticks) ticks of virtual time")
        }
        guard let violation = result.violation else { return print("0 violations") }
        print("BROKEN \(violation)")
        for line in result.trace { print("  " + line) }
        throw ExitCode.failure
    }
}
