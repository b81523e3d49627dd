import ArgumentParser
import BinaryStar
import Configuration

/// Where a server of a pair is, and by what it decides: the options of each command that runs one.
struct PairOptions: ParsableArguments {
    @Option(help: "What this server is configured as: primary or backup.")
    var seat: Seat?

    @Option(
        help: ArgumentHelp(
            "Where this server publishes its role, such as 'tcp://*:5003'. May be given several times.",
            valueName: "endpoint"))
    var listen: [String] = []

    @Option(
        help: ArgumentHelp(
            """
            Where the peer publishes its role, such as tcp://other:5003. Several times for several networks between the \
            two machines: what is heard over any of them counts.
            """, valueName: "endpoint"))
    var connect: [String] = []

    @Option(
        help: ArgumentHelp(
            "How often to publish the role. The same on both servers. (default: 250ms)", valueName: "duration"))
    var interval: Duration?

    @Option(
        help: ArgumentHelp(
            "How long a silent peer counts as alive. At least two intervals; the same on both servers. (default: 1s)",
            valueName: "duration"))
    var timeout: Duration?

    @Option(help: ArgumentHelp("The pair's name, the same on both servers.", valueName: "name"))
    var pairName: String?

    @Option(
        help: ArgumentHelp(
            "Let a backup that never met its primary become active after this time, on a vote. (default: never)",
            valueName: "duration"))
    var coldStart: Duration?

    @Option(
        help: ArgumentHelp(
            "When a zguide server claims the same role: failStop ends this one, stepDown gives way. (default: failStop)",
            valueName: "policy"))
    var onConflict: ConflictPolicy?

    @Option(help: ArgumentHelp("Where to keep the latest 1,000 changes of role and term.", valueName: "directory"))
    var stateDirectory: String?

    /// What the command line says of what a configuration cannot be made without.
    var commandLine: [AbsoluteConfigKey: ConfigValue] {
        ConfigOptions.commandLine(seat: seat, listen: listen, connect: connect)
    }

    /// What the command line says, above what `configuration` has already.
    func apply(to configuration: inout BinaryStarConfiguration) {
        if let seat { configuration.seat = seat }
        if let first = listen.first {
            configuration.listen = first
            configuration.furtherListen = Array(listen.dropFirst())
        }
        if let first = connect.first {
            configuration.connect = first
            configuration.furtherConnect = Array(connect.dropFirst())
        }
        if let interval { configuration.timing.interval = interval }
        if let timeout { configuration.timing.timeout = timeout }
        if let pairName { configuration.pairName = pairName }
        if let coldStart { configuration.coldStart = .after(coldStart) }
        if let onConflict { configuration.conflictPolicy = onConflict }
        if let stateDirectory { configuration.stateDirectory = stateDirectory }
    }
}
