import ArgumentParser
import BinaryStar
import BinaryStarConfig
import Foundation
import TestSupport
import Testing

@testable import bstar

@Suite struct ConfigOptionsTests {
    private func check(_ text: String) throws {
        try ConfigOptions.check(Array(text.utf8), of: "file", keys: ["seat", "listen"])
    }

    @Test func whatIsKnownPasses() throws {
        try check("{}")
        try check("{\"seat\": \"primary\", \"listen\": [\"a\"]}")
    }

    @Test(
        "What is no file of settings, and a name that is not known, are told",
        arguments: [
            ("{\"saet\": 1}", "has \"saet\", which is none of listen, seat"), ("[1]", "must be a JSON object"),
            ("{\"seat\": ", "is no JSON"), ("", "is no JSON"),
        ])
    func wrong(_ text: String, _ message: String) {
        do {
            try check(text)
            Issue.record("taken: \(text)")
        } catch {
            #expect("\(error)".contains(message), "\(error)")
        }
    }

    @Test("The command line counts more than the file, and the keys are read by their names")
    func precedence() async throws {
        let folder = TemporaryFolder()
        let path = folder.path + "/serve.json"
        try Data("{\"seat\": \"backup\", \"listen\": \"tcp://*:1\", \"connect\": [\"tcp://a:1\", \"tcp://b:1\"]}".utf8)
            .write(to: URL(filePath: path))
        let pair = try PairOptions.parse(["--listen", "tcp://*:2"])
        let options = try ConfigOptions.parse(["--config", path])
        let reader = try await options.values(commandLine: pair.commandLine, keys: [])
        let configuration = try BinaryStarConfiguration(config: reader)
        #expect(configuration.seat == .backup)
        #expect(configuration.listen == "tcp://*:2")
        #expect(configuration.furtherConnect == ["tcp://b:1"])
    }

    private func yaml(_ text: String) async throws -> BinaryStarConfiguration {
        let folder = TemporaryFolder()
        let path = folder.path + "/serve.yaml"
        try Data(text.utf8).write(to: URL(filePath: path))
        let reader = try await ConfigOptions.parse(["--config", path]).values(commandLine: [:], keys: ["frontend"])
        return try BinaryStarConfiguration(config: reader)
    }

    #if YAML
    @Test("A file of YAML says the same as one of JSON")
    func yamlIsRead() async throws {
        let configuration = try await yaml(
            """
            # The second machine.
            seat: backup
            listen: tcp://*:1
            connect: [tcp://a:1, tcp://b:1]
            interval: 100ms
            trustsRefusedConnections: false
            """)
        var expected = BinaryStarConfiguration(seat: .backup, listen: "tcp://*:1", connect: "tcp://a:1")
        expected.furtherConnect = ["tcp://b:1"]
        expected.timing.interval = .milliseconds(100)
        expected.trustsRefusedConnections = false
        #expect(configuration == expected)
    }

    @Test(arguments: [
        ("saet: backup", "has \"saet\", which is none of"), ("- seat", "must be a YAML mapping"),
        ("", "must be a YAML mapping"), ("seat: [", "is no YAML"),
    ])
    func wrongYAML(_ text: String, _ message: String) async {
        await #expect { try await yaml(text) } throws: { "\($0)".contains(message) }
    }
    #else
    @Test func withoutTheTraitYAMLIsRefusedWithTheWayToHaveIt() async {
        await #expect { try await yaml("seat: backup") } throws: { "\($0)".contains("swift build --traits YAML") }
    }
    #endif

    @Test("The article lists the keys of both commands, with the options that they stand for")
    func article() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")
        let article = try String(
            contentsOf: root.appending(path: "Sources/BinaryStar/BinaryStar.docc/Configuration.md"), encoding: .utf8)
        let table = article.split(separator: "## Of the tool")[1].split(separator: "\n")
        func keys(of command: String) -> Set<String> {
            Set(
                table.filter { $0.hasPrefix("| `") && $0.contains("` | `\(command)` |") }
                    .map { String($0.dropFirst(3).prefix { $0 != "`" }) })
        }
        #expect(keys(of: "serve") == Set(ServeCommand.configKeys))
        #expect(keys(of: "guard") == Set(GuardCommand.configKeys))
    }
}
