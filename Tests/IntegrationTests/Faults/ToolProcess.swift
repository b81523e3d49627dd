import Foundation
import Synchronization

/// A program of this package as a real process, which the test can kill, stop and continue.
final class ToolProcess: Sendable {
    let processIdentifier: Int32
    private let process: Mutex<Process>
    private let end = AsyncStream.makeStream(of: Int32.self)

    /// - Parameters:
    ///   - prefix: a command that starts the program, such as `nice -n 19`. It must take the program's place, not stay beside it.
    init(_ name: String, _ arguments: [String], prefix: [String] = []) throws {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = prefix + [Self.folder.appending(path: name).path] + arguments
        process.environment = ProcessInfo.processInfo.environment.merging(["SWIFT_BACKTRACE": "enable=no"]) { $1 }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.terminationHandler = { [continuation = end.continuation] process in
            continuation.yield(process.terminationReason == .exit ? process.terminationStatus : -1)
            continuation.finish()
        }
        try process.run()
        processIdentifier = process.processIdentifier
        self.process = Mutex(process)
    }

    deinit { send(SIGKILL) }

    /// The programs to try: those that were built with the tests, or in the folder that `FAULT_PRODUCTS` names, for a
    /// release build.
    private static let folder =
        ProcessInfo.processInfo.environment["FAULT_PRODUCTS"]
        .map { URL(filePath: $0) } ?? Tool.executableURL("bstar").deletingLastPathComponent()

    /// Sends a signal to the process, if it still runs.
    func send(_ signal: Int32) {
        if isRunning { kill(processIdentifier, signal) }
    }

    var isRunning: Bool { process.withLock(\.isRunning) }

    /// Waits for the end, and kills what has not ended in time. To be called once.
    ///
    /// - Returns: the exit code, or -1 if a signal ended the process.
    func exitCode(within limit: Duration = .seconds(30)) async -> Int32 {
        let watchdog = Task {
            try await Task.sleep(for: limit)
            send(SIGKILL)
        }
        defer { watchdog.cancel() }
        for await code in end.stream { return code }
        return -1
    }
}
