import CZeroMQ
import Foundation
import Subprocess
import SystemPackage
import Testing

/// The tool and the probe, built beside the tests.
enum Tool {
    /// False under ThreadSanitizer.
    static var canRun: Bool { czmq_tsan_is_active() == 0 }

    static let reason: Comment =
        "Starting processes takes a library whose locks ThreadSanitizer does not see; it would report each use of them."

    struct Outcome {
        var output: String
        var error: String
        var exitCode: Int32?
    }

    private static func executable(_ name: String) -> Executable {
        .path(FilePath(executableURL(name).path))
    }

    static func executableURL(_ name: String) -> URL {
        let tests =
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
        // The test runner lies in the folder of products on Linux, and in a bundle of that folder elsewhere.
        var folder = URL(filePath: tests).deletingLastPathComponent()
        while folder.path.count > 1, !FileManager.default.isExecutableFile(atPath: folder.appending(path: name).path) {
            folder.deleteLastPathComponent()
        }
        return folder.appending(path: name)
    }

    /// Runs the tool, or the probe, to its end, with `input` as its standard input.
    static func run(_ arguments: [String], of name: String = "bstar", input: String = "") async throws -> Outcome {
        let result = try await Subprocess.run(
            executable(name), arguments: Arguments(arguments), environment: environment, input: .string(input),
            output: .string(limit: 1 << 20),
            error: .string(limit: 1 << 20))
        return Outcome(
            output: result.standardOutput, error: result.standardError,
            exitCode: result.terminationStatus.exitCode)
    }

    /// Runs a command of the shell to its end.
    static func shell(_ command: String) async throws -> Outcome {
        let result = try await Subprocess.run(
            .path("/bin/sh"), arguments: ["-c", command], environment: environment,
            output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
        return Outcome(
            output: result.standardOutput, error: result.standardError, exitCode: result.terminationStatus.exitCode)
    }

    /// Runs the tool while `body` lasts, and then ends it with `signal`.
    ///
    /// - Returns: its exit code, or `nil` if the signal ended it.
    static func run(
        _ arguments: [String],
        endingWith signal: Signal = .terminate,
        while body: @escaping @Sendable (AsyncStream<String>) async throws -> Void
    ) async throws -> Int32? {
        try await run(arguments) { lines, send in
            let outcome = await Task { try await body(lines) }.result
            send(signal)
            try outcome.get()
        }
    }

    /// Runs the tool to its end while `body` reads what it says and sends it signals.
    ///
    /// - Returns: its exit code, or `nil` if a signal ended it.
    static func run(
        _ arguments: [String],
        talking body: @escaping @Sendable (AsyncStream<String>, @Sendable (Signal) -> Void) async throws -> Void
    ) async throws -> Int32? {
        let result = try await Subprocess.run(
            executable("bstar"), arguments: Arguments(arguments), environment: environment, input: .none,
            output: .sequence,
            error: .fileDescriptor(.standardError, closeAfterSpawningProcess: false)
        ) { execution in
            let (lines, continuation) = AsyncStream.makeStream(of: String.self)
            let reader = Task {
                for try await line in execution.standardOutput.strings() { continuation.yield(line) }
                continuation.finish()
            }
            let outcome = await Task {
                try await body(lines) { signal in try? execution.send(signal: signal) }
            }.result
            // One that failed leaves nothing running.
            if case .failure = outcome { try? execution.send(signal: .kill) }
            _ = await reader.result
            try outcome.get()
        }
        return result.terminationStatus.exitCode
    }

    private static var environment: Environment { .inherit.updating(["SWIFT_BACKTRACE": "enable=no"]) }
}

extension TerminationStatus {
    var exitCode: Int32? {
        if case .exited(let code) = self { code } else { nil }
    }
}
