import ArgumentParser
import BinaryStar
import BinaryStarCore

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Shows both servers of a pair side by side, and what is not as it should be.",
        discussion: """
            A server is asked by its control socket, which is on its own machine. Of one that cannot be asked, it shows what \
            the other one has heard of it.

            EXIT CODES:
              0   one server serves
              1   no server could be asked
              2   both servers serve
              3   no server serves
              64  wrong arguments
            """
    )

    @OptionGroup var servers: ControlOptions

    @Flag(help: "One line of JSON: what the servers answer, as the documentation of the control protocol has it.")
    var json = false

    @Flag(help: "Again and again, until Ctrl-C.")
    var watch = false

    @Option(help: ArgumentHelp("With --watch, how often.", valueName: "duration"))
    var every = Duration.seconds(1)

    func validate() throws {
        guard every >= .milliseconds(10) else { throw ValidationError("--every must be at least 10ms") }
        guard servers.control.count <= 2 else { throw ValidationError("a pair has two servers: at most two --control") }
    }

    func run() async throws {
        Console.reportBrokenPipes()
        try await reportingErrors {
            let servers = try ControlledServers(servers)
            var view = try await servers.view()
            guard watch else {
                await servers.close()
                _ = Console.writeOutput(text(view))
                if view.condition != .oneServes { throw ExitCode(view.condition.rawValue) }
                return
            }
            while Console.writeOutput((json ? [] : Array("\(clear)".utf8)) + text(view)) {
                try await Task.sleep(for: every)
                view = try await servers.view()
            }
        }
    }

    /// What stands before each picture: in a terminal the one before is wiped.
    private var clear: String { Console.isTerminal ? "\u{1B}[H\u{1B}[2J" : "\n\(TimeOfDay.now.text)\n" }

    private func text(_ view: PairView) -> [UInt8] {
        let lines = json ? [view.json.text] : StatusReport(view: view).lines
        return Array(lines.map { $0 + "\n" }.joined().utf8)
    }
}
