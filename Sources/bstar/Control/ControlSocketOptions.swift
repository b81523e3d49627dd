import ArgumentParser
import BinaryStar

/// Where a server that a command runs can be asked and told what to do.
struct ControlSocketOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            """
            Where operators reach this server: the path of a Unix socket, which only this user can use. (default: \
            [PAIR-]SEAT.sock in $RUNTIME_DIRECTORY, /run/bstar for root, $XDG_RUNTIME_DIR/bstar or /tmp/bstar-UID)
            """, valueName: "path"))
    var control: String?

    @Flag(help: "No control socket: bstar status and the like do not reach this server.")
    var noControl = false

    func validate() throws {
        guard !(noControl && control != nil) else {
            throw ValidationError("--no-control leaves out what --control asks for: give one of them")
        }
    }

    /// What the command line says, above what `configuration` has already.
    func apply(to configuration: inout BinaryStarConfiguration) {
        if let control { configuration.control = ControlPaths.endpoint(control) }
        if noControl { configuration.control = nil }
    }

    /// Opens the control socket at its usual place, unless the star has one. A server serves without one too: another one may have
    /// the place already.
    ///
    /// - Returns: where it is, if there is one.
    func open(of star: BinaryStar) async -> String? {
        let configuration = star.configuration
        if let control = configuration.control { return control }
        guard !noControl else { return nil }
        do {
            let endpoint = try ControlPaths.current.endpointToBind(
                pair: configuration.pairName, seat: configuration.seat)
            try await star.openControl(at: endpoint)
            return endpoint
        } catch {
            Console.printError(
                """
                bstar: \(configuration.seat) has no control socket: \(error); say where with --control, or --no-control
                """)
            return nil
        }
    }
}
