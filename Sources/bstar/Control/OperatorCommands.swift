import ArgumentParser
import BinaryStar
import BinaryStarCore

/// Which server, if both can be asked.
struct SeatOption: ParsableArguments {
    @Option(help: "Which server, where both can be asked: primary or backup.")
    var seat: Seat?
}

private let exitCodes = """
    EXIT CODES:
      0   done
      1   not done; the message says why, and what to do
      64  wrong arguments
    """

struct SwitchoverCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "switchover",
        abstract: "Has the active server hand over to the passive one, and waits until that is done.",
        discussion: """
            The active server waits for the requests that it handles (serve --drain-timeout), and lets its peer become \
            active. Clients of bstar lose no request. It takes the active server's control socket: on two machines, run it \
            there.

            \(exitCodes)
            """
    )

    @OptionGroup var servers: ControlOptions

    @Option(help: ArgumentHelp("How long to wait for it.", valueName: "duration"))
    var timeout = Duration.seconds(60)

    func run() async throws {
        try await reportingErrors {
            let servers = try ControlledServers(servers)
            let view = try await servers.view()
            guard let (client, before) = servers.active(in: view) else { throw ControlFailure(reason(view)) }
            let start = ContinuousClock.now
            let after = try await client.stepDown(timeout: timeout)
            let took = ContinuousClock.now - start
            let term = after.peer?.term.map { " in term \($0)" } ?? ""
            Console.print("the \(before.seat.other) is active\(term); the handover took \(took.short)")
            await servers.close()
        }
    }

    private func reason(_ view: PairView) -> String {
        if let failure = view.failures.first, view.statuses.isEmpty { return failure.error.message }
        for seat in view.serving {
            return """
                the active server is the \(seat), whose control socket was not found: run this on its machine, or name the \
                socket with --control
                """
        }
        return "no server is active, so that there is nothing to hand over; bstar status shows why"
    }
}

extension ControlledServers {
    /// The server that says that it is active. Of two, the one of the lower term would give way anyhow.
    fileprivate func active(in view: PairView) -> (ControlClient, BinaryStar.Status)? {
        zip(clients, view.servers)
            .compactMap { client, server in server.status.map { (client, $0) } }
            .filter { $0.1.role == .active }.max { $0.1.term < $1.1.term }
    }
}

/// Does something to one server, or to all that can be asked.
private func command(
    _ options: ControlOptions,
    _ seat: Seat?,
    onOneOnly: Bool,
    _ body: @escaping @Sendable (ControlClient) async throws -> BinaryStar.Status,
    done: (BinaryStar.Status) -> String
) async throws {
    try await reportingErrors {
        let servers = try ControlledServers(options)
        let view = try await servers.view()
        let asked = zip(servers.clients, view.servers)
            .compactMap { client, server in server.status.map { (client: client, status: $0) } }
            .filter { seat == nil || $0.status.seat == seat }
        guard !asked.isEmpty else {
            let failures = view.failures.map(\.error.message).joined(separator: "; ")
            throw ControlFailure(
                failures.isEmpty ? "the \(seat.map { "\($0)" } ?? "server") cannot be asked" : failures)
        }
        guard !onOneOnly || asked.count == 1 else {
            throw ControlFailure("both servers can be asked: say which one, with --seat primary or --seat backup")
        }
        for (client, _) in asked { Console.print(done(try await body(client))) }
        await servers.close()
        guard seat == nil, !onOneOnly, !view.failures.isEmpty else { return }
        for failure in view.failures { Console.printError("bstar: not done there: \(failure.error.message)") }
        throw ExitCode.failure
    }
}

struct PromoteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "promote",
        abstract: "Makes a server active whose peer is gone, without waiting for a client's request.",
        discussion: """
            The way out for a backup whose primary will not come back. A server whose peer is alive refuses: use \
            switchover.

            \(exitCodes)
            """
    )

    @OptionGroup var servers: ControlOptions
    @OptionGroup var which: SeatOption

    func run() async throws {
        try await command(servers, which.seat, onOneOnly: true) {
            try await $0.promote()
        } done: {
            "the \($0.seat) is active in term \($0.term)"
        }
    }
}

struct PauseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause",
        abstract: "Suspends automatic failover, for work on the network say: on all servers that can be asked.",
        discussion: """
            Until bstar resume, or until the server is started again, no client's request makes it active. Switchover and \
            promote work.

            \(exitCodes)
            """
    )

    @OptionGroup var servers: ControlOptions
    @OptionGroup var which: SeatOption

    func run() async throws {
        try await command(servers, which.seat, onOneOnly: false) {
            try await $0.pause()
        } done: {
            "the \($0.seat) is paused: it does not become active by itself until bstar resume"
        }
    }
}

struct ResumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume",
        abstract: "Ends pause and drain, on all servers that can be asked.",
        discussion: exitCodes
    )

    @OptionGroup var servers: ControlOptions
    @OptionGroup var which: SeatOption

    func run() async throws {
        try await command(servers, which.seat, onOneOnly: false) {
            try await $0.resume()
        } done: {
            "the \($0.seat) is in service, \($0.role.state)\($0.isHealthy ? "" : "; but it says that it cannot serve")"
        }
    }
}

struct DrainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drain",
        abstract: "Takes a server out of service, so that it can be stopped or repaired.",
        discussion: """
            An active server hands over first; one that cannot is left as it is. Until bstar resume, or until it is started \
            again, it does not become active, so that a failure of its peer is an outage.

            \(exitCodes)
            """
    )

    @OptionGroup var servers: ControlOptions
    @OptionGroup var which: SeatOption

    func run() async throws {
        try await command(servers, which.seat, onOneOnly: true) {
            try await $0.drain()
        } done: {
            "the \($0.seat) is drained, \($0.role.state): it can be stopped; bstar resume takes it back into service"
        }
    }
}
