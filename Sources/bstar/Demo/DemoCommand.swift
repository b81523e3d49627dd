import ArgumentParser
import BinaryStar
import Logging
import ServiceLifecycle
import UnixSignals

struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Shows a failover and the way back, with real processes on this machine.",
        discussion: """
            Starts a primary, a backup and a client; ends the active server with SIGKILL; shows the failover; starts the \
            server again, which comes back passive; and ends the other one. The exit code is 0 if every step came about.
            """
    )

    @Option(
        help: ArgumentHelp(
            "How often to publish a role, and for how long a silent peer counts as alive: four times this.",
            valueName: "duration"))
    var interval = HeartbeatTiming.standard.interval

    func validate() throws {
        guard interval >= .milliseconds(20), interval <= .seconds(2) else {
            throw ValidationError("--interval is \(interval.short), but the demo takes from 20ms to 2s")
        }
    }

    func run() async throws {
        let demo = Demo(timing: HeartbeatTiming(interval: interval, timeout: interval * 4))
        let group = ServiceGroup(
            configuration: .init(
                services: [.init(service: demo, successTerminationBehavior: .gracefullyShutdownGroup)],
                cancellationSignals: [.sigterm, .sigint],
                logger: Logger(label: "demo") { _ in SwiftLogNoOpLogHandler() }))
        try await group.run()
        guard await demo.succeeded else { throw ExitCode.failure }
    }
}
