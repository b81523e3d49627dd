import ArgumentParser
import BinaryStar
import BinaryStarConfig
import Configuration
import SystemPackage

#if YAML
import Yams
#endif

/// Where a server that a command runs finds what the command line leaves open.
struct ConfigOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            """
            A file of JSON, or of YAML if its name ends so, that says what the command line and the environment \
            (BSTAR_SEAT and so on) leave open; the documentation lists the keys.
            """, valueName: "file"))
    var config: String?

    /// What a command line says of what a configuration cannot be made without.
    static func commandLine(
        seat: Seat?, listen: [String], connect: [String]
    ) -> [AbsoluteConfigKey: ConfigValue] {
        var values: [AbsoluteConfigKey: ConfigValue] = [:]
        if let seat { values["seat"] = ConfigValue(.string(seat.rawValue), isSecret: false) }
        if !listen.isEmpty { values["listen"] = ConfigValue(.stringArray(listen), isSecret: false) }
        if !connect.isEmpty { values["connect"] = ConfigValue(.stringArray(connect), isSecret: false) }
        return values
    }

    /// What is said anywhere: on the command line, in the environment, in the file; the first counts.
    ///
    /// - Parameters:
    ///   - commandLine: what the command line says of the keys of a pair.
    ///   - keys: those of the command, beside those of a pair.
    /// - Throws: if the file cannot be read, or has a key that is not known.
    func values(commandLine: [AbsoluteConfigKey: ConfigValue], keys: [String]) async throws -> ConfigReader {
        var providers: [any ConfigProvider] = [
            InMemoryProvider(name: "command line", values: commandLine),
            EnvironmentVariablesProvider().prefixKeys(with: "bstar"),
        ]
        if let config {
            let keys = keys + BinaryStarConfigKey.allCases.map(\.rawValue)
            providers.append(
                Self.isYAML(config)
                    ? try await Self.yaml(config, keys: keys) : try await Self.json(config, keys: keys))
        }
        return ConfigReader(providers: providers)
    }

    private static func read(_ path: String) throws -> [UInt8] {
        do {
            let file = try FileDescriptor.open(FilePath(path), .readOnly)
            return try file.closeAfter {
                var bytes: [UInt8] = []
                var block = [UInt8](repeating: 0, count: 4_096)
                while case let count = try block.withUnsafeMutableBytes({ try file.read(into: $0) }), count > 0 {
                    bytes += block[..<count]
                }
                return bytes
            }
        } catch {
            throw ValidationError("--config: cannot read \"\(path)\": \(error)")
        }
    }

    // MARK: JSON

    private static func json(_ path: String, keys: [String]) async throws -> any ConfigProvider {
        try check(try read(path), of: path, keys: keys)
        return try await FileProvider<JSONSnapshot>(filePath: FilePath(path))
    }

    static func check(_ bytes: [UInt8], of path: String, keys: [String]) throws {
        let json: JSON
        do { json = try JSON(parsing: bytes) } catch {
            throw ValidationError("--config: \"\(path)\" is no JSON: \(error)")
        }
        guard case .object(let members) = json else {
            throw ValidationError("--config: \"\(path)\" must be a JSON object, such as {\"seat\": \"primary\"}")
        }
        try check(members.map(\.name), of: path, keys: keys)
    }

    /// A misspelt name would leave its default in force without a word.
    private static func check(_ names: [String], of path: String, keys: [String]) throws {
        for name in names where !keys.contains(name) {
            throw ValidationError(
                "--config: \"\(path)\" has \"\(name)\", which is none of \(Set(keys).sorted().joined(separator: ", "))"
            )
        }
    }

    // MARK: YAML

    private static func isYAML(_ path: String) -> Bool {
        ["yaml", "yml"].contains(FilePath(path).extension?.lowercased())
    }

    #if YAML
    private static func yaml(_ path: String, keys: [String]) async throws -> any ConfigProvider {
        let text = String(decoding: try read(path), as: UTF8.self)
        let node: Node?
        do { node = try Yams.compose(yaml: text) } catch {
            throw ValidationError("--config: \"\(path)\" is no YAML: \(error)")
        }
        guard let mapping = node?.mapping else {
            throw ValidationError("--config: \"\(path)\" must be a YAML mapping, such as \"seat: primary\"")
        }
        try check(mapping.keys.map { $0.string ?? "a key that is no text" }, of: path, keys: keys)
        return try await FileProvider<YAMLSnapshot>(filePath: FilePath(path))
    }
    #else
    private static func yaml(_ path: String, keys: [String]) async throws -> any ConfigProvider {
        throw ValidationError(
            "--config: \"\(path)\" is YAML, which this bstar reads only if it is built so: swift build --traits YAML")
    }
    #endif
}
