public import BinaryStar
public import Configuration

/// The keys of a configuration, as the article "Configuring a pair" of the library lists them.
package enum BinaryStarConfigKey: String, Sendable, CaseIterable {
    case seat, listen, connect, interval, timeout, pairName, wire, coldStart, conflictPolicy, trustsRefusedConnections
    case drainTimeout, stateDirectory, control
}

extension BinaryStarConfiguration {
    /// Reads what a server of a pair is told from files, the environment, the command line, or wherever the reader's providers
    /// look.
    ///
    /// ```swift
    /// let config = ConfigReader(providers: [
    ///     EnvironmentVariablesProvider(), try await FileProvider<JSONSnapshot>(filePath: "/etc/orders.json"),
    /// ])
    /// let configuration = try BinaryStarConfiguration(config: config.scoped(to: "pair"))
    /// ```
    ///
    /// The keys, all but the first three with a default:
    ///
    /// - `seat`: `primary` or `backup`.
    /// - `listen`, `connect`: an endpoint, or several, as an array or with commas between them. The first is
    ///   `listen` and `connect` of the configuration, the others are `furtherListen` and `furtherConnect`.
    /// - `interval`, `timeout`: durations with a unit, such as `250ms`, `1.5s` or `2m`. By default 250 ms and 1 s; with the
    ///   classic wire 1 s and 2 s.
    /// - `pairName`: text.
    /// - `wire`: `extended` or `classic`.
    /// - `coldStart`: a duration, or `never`.
    /// - `conflictPolicy`: `failStop` or `stepDown`.
    /// - `trustsRefusedConnections`: a Boolean.
    /// - `drainTimeout`: a duration.
    /// - `stateDirectory`: a path.
    /// - `control`: `ipc://PATH`.
    ///
    /// None of them is a secret. The rules are those of the properties; whoever uses the configuration validates it.
    ///
    /// - Throws: `BinaryStarError` with the code `invalidConfiguration` if a value is missing, of the wrong type, or none of those
    ///   that are possible; the message names the key.
    public init(config: ConfigReader) throws(BinaryStarError) {
        let values = ConfigValues(config: config)
        let listen = try values.endpoints(.listen)
        let connect = try values.endpoints(.connect)
        let wire = try values.name(.wire, HeartbeatWire.self)
        guard let seat = try values.name(.seat, Seat.self) else { throw values.missing(.seat, "primary or backup") }
        guard let firstListen = listen.first else { throw values.missing(.listen, "tcp://*:5003 for example") }
        guard let firstConnect = connect.first else { throw values.missing(.connect, "tcp://other:5003 for example") }
        self.init(
            seat: seat, listen: firstListen, connect: firstConnect, timing: wire == .classic ? .classic : .standard)
        furtherListen = Array(listen.dropFirst())
        furtherConnect = Array(connect.dropFirst())
        if let wire { self.wire = wire }
        if let interval = try values.duration(.interval) { timing.interval = interval }
        if let timeout = try values.duration(.timeout) { timing.timeout = timeout }
        if let name = try values.text(.pairName) { pairName = name }
        if let text = try values.text(.coldStart), text != "never" {
            coldStart = .after(try values.duration(text, .coldStart, "or never"))
        }
        if let policy = try values.name(.conflictPolicy, ConflictPolicy.self) { conflictPolicy = policy }
        if let trusts = try values.boolean(.trustsRefusedConnections) { trustsRefusedConnections = trusts }
        if let timeout = try values.duration(.drainTimeout) { drainTimeout = timeout }
        stateDirectory = try values.text(.stateDirectory)
        control = try values.text(.control)
    }
}
