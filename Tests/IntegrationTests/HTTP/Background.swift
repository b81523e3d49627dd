import Foundation
import Synchronization
import TestSupport
import Testing

/// A program that runs beside a test, and what it has printed. It is killed when nobody needs it any more.
final class Background: Sendable {
    private let process: Mutex<Process>
    private let processIdentifier: Int32
    private let output: String

    /// - Parameters:
    ///   - path: of the program, or the name of one of this package's.
    ///   - folder: where its output goes.
    init(_ path: String, _ arguments: [String], in folder: TemporaryFolder) throws {
        let process = Process()
        process.executableURL = path.hasPrefix("/") ? URL(filePath: path) : Tool.executableURL(path)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(["SWIFT_BACKTRACE": "enable=no"]) { $1 }
        output = folder.path + "/output-\(UUID().uuidString.prefix(8))"
        _ = FileManager.default.createFile(atPath: output, contents: nil)
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try FileHandle(forWritingTo: URL(filePath: output))
        process.standardError = process.standardOutput
        try process.run()
        processIdentifier = process.processIdentifier
        self.process = Mutex(process)
    }

    deinit { send(SIGKILL) }

    func send(_ signal: Int32) {
        if process.withLock(\.isRunning) { kill(processIdentifier, signal) }
    }

    /// Sends a signal that ends the process, and returns when it has.
    func end(with signal: Int32 = SIGTERM) async throws {
        send(signal)
        try await ended()
    }

    /// Returns when the process has ended.
    func ended() async throws {
        try await eventually("the end of process \(processIdentifier)") { !process.withLock(\.isRunning) }
    }

    /// All that it has printed.
    var text: String { (try? String(contentsOfFile: output, encoding: .utf8)) ?? "" }

    /// Waits until it has printed a line with `part` in it.
    ///
    /// - Returns: what stands behind it on the line.
    @discardableResult
    func line(with part: String) async throws -> String {
        var rest: String?
        try await eventually("\"\(part)\"; \(text)") {
            let line = text.split(separator: "\n").last { $0.contains(part) }
            rest = line.flatMap { line in line.range(of: part).map { String(line[$0.upperBound...]) } }
            return rest != nil && text.hasSuffix("\n")
        }
        return rest ?? ""
    }
}

/// Looks again and again until `condition` holds.
func eventually(
    _ what: @autoclosure () -> String, within limit: Duration = .seconds(60), _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + limit
    while try await !condition() {
        guard ContinuousClock.now < deadline else {
            Issue.record("not in time: \(what())")
            throw CancellationError()
        }
        try await Task.sleep(for: .milliseconds(10))
    }
}

/// Programs of the machine that some tests need.
enum Installed {
    static let haproxy = path(of: "haproxy")
    static let chromium = path(of: "chromium") ?? path(of: "chromium-browser") ?? path(of: "google-chrome")
    /// One that has the library of Prometheus.
    static let python = ["python3", "/usr/bin/python3"].first { python in
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [python, "-c", "import prometheus_client"]
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }

    private static func path(of name: String) -> String? {
        let folders =
            (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":") + ["/usr/sbin", "/usr/bin"]
        return folders.map { "\($0)/\(name)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
    }
}

/// Two servers of the tool with a page each, of which the backup's shows both.
struct HTTPPair {
    let folder: TemporaryFolder
    let primary: Background
    let backup: Background
    /// `HOST:PORT`.
    let primaryAddress: String
    let backupAddress: String

    init(in folder: TemporaryFolder) async throws {
        self.folder = folder
        primary = try Background("bstar", Self.arguments("primary", folder), in: folder)
        primaryAddress = try await Self.address(of: primary)
        backup = try Background(
            "bstar", Self.arguments("backup", folder) + ["--http-peer", "http://\(primaryAddress)"], in: folder)
        backupAddress = try await Self.address(of: backup)
        try await primary.line(with: "primary: active")
        try await backup.line(with: "backup: passive")
    }

    private static func arguments(_ seat: String, _ folder: TemporaryFolder) -> [String] {
        [
            "serve", "--seat", seat, "--frontend", folder.ipc("clients-\(seat)"), "--listen",
            folder.ipc("state-\(seat)"),
            "--connect", folder.ipc("state-\(seat == "primary" ? "backup" : "primary")"), "--interval", "100ms",
            "--timeout", "2s", "--pair-name", "orders", "--control", folder.path + "/\(seat).sock", "--http", "0",
        ]
    }

    private static func address(of server: Background) async throws -> String {
        String(try await server.line(with: "status at http://").dropLast())
    }

    /// Asks for service, which is a vote, and returns when a server has answered.
    func request(_ count: Int = 1) async throws {
        let outcome = try await Tool.run([
            "request", "--primary", folder.ipc("clients-primary"), "--backup", folder.ipc("clients-backup"), "--count",
            "\(count)", "--every", "5ms", "--timeout", "60s", "--quiet",
        ])
        #expect(outcome.exitCode == 0, "\(outcome.error)")
    }
}
