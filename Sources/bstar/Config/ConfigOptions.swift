import ArgumentParser
import BinaryStar
import BinaryStarConfig
import Configuration
import SystemPackage

/// Where a server that a command runs finds what the command line leaves open.
struct ConfigOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            """
            A file of JSON that says what the command line and the environment (BSTAR_SEAT and so on) leave open; the \
            documentation lists the keys.
            """, valueName: "file"))
    var config: String?

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
            try Self.check(try Self.read(config), of: config, keys: keys + BinaryStarConfigKey.allCases.map(\.rawValue))
            providers.append(try await FileProvider<JSONSnapshot>(filePath: FilePath(config)))
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

    /// A misspelt name would leave its default in force without a word.
    static func check(_ bytes: [UInt8], of path: String, keys: [String]) throws {
        let json: JSON
        do { json = try JSON(parsing: bytes) } catch {
            throw ValidationError("--config: \"\(path)\" is no JSON: \(error)")
        }
        guard case .object(let members) = json else {
            throw ValidationError("--config: \"\(path)\" must be a JSON object, such as {\"seat\": \"primary\"}")
        }
        for member in members where !keys.contains(member.name) {
            throw ValidationError(
                "--config: \"\(path)\" has \"\(member.name)\", which is none of \(keys.sorted().joined(separator: ", "))"
            )
        }
    }
}
