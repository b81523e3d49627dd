import ArgumentParser
import BinaryStar

/// Where a server of a pair is, and by what it decides.
struct PairOptions: ParsableArguments {
    @Option(help: "What this server is configured as: primary or backup.")
    var seat: Seat

    @Option(
        help: ArgumentHelp(
            "Where this server publishes its role, such as 'tcp://*:5003'. May be given several times.",
            valueName: "endpoint"))
    var listen: [String]

    @Option(
        help: ArgumentHelp(
            """
            Where the peer publishes its role, such as tcp://other:5003. Several times for several networks between the \
            two machines: what is heard over any of them counts.
            """, valueName: "endpoint"))
    var connect: [String]

    @Option(help: ArgumentHelp("How often to publish the role. The same on both servers.", valueName: "duration"))
    var interval = HeartbeatTiming.standard.interval

    @Option(
        help: ArgumentHelp(
            "How long a silent peer counts as alive. At least two intervals; the same on both servers.",
            valueName: "duration"))
    var timeout = HeartbeatTiming.standard.timeout

    @Option(help: ArgumentHelp("The pair's name, the same on both servers.", valueName: "name"))
    var pairName = ""

    @Option(
        help: ArgumentHelp(
            "Let a backup that never met its primary become active after this time. (default: never)",
            valueName: "duration"))
    var coldStart: Duration?

    @Option(help: ArgumentHelp("Where to keep the latest 1,000 changes of role and term.", valueName: "directory"))
    var stateDirectory: String?

    func makeConfiguration() -> BinaryStarConfiguration {
        var configuration = BinaryStarConfiguration(
            seat: seat, listen: listen.first ?? "", connect: connect.first ?? "",
            timing: HeartbeatTiming(interval: interval, timeout: timeout))
        configuration.furtherListen = Array(listen.dropFirst())
        configuration.furtherConnect = Array(connect.dropFirst())
        configuration.pairName = pairName
        if let coldStart { configuration.coldStart = .after(coldStart) }
        configuration.stateDirectory = stateDirectory
        return configuration
    }
}
