import Foundation
import Synchronization

/// `bstar serve` as a real process, which the test can kill, stop and continue.
final class ServerProcess: Sendable {
    let processIdentifier: Int32
    private let process: Mutex<Process>

    init(_ arguments: [String]) throws {
        let process = Process()
        process.executableURL = Tool.executableURL("bstar")
        process.arguments = ["serve"] + arguments
        process.environment = ProcessInfo.processInfo.environment.merging(["SWIFT_BACKTRACE": "enable=no"]) { $1 }
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        processIdentifier = process.processIdentifier
        self.process = Mutex(process)
    }

    deinit { send(SIGKILL) }

    func send(_ signal: Int32) { kill(processIdentifier, signal) }

    var isRunning: Bool { process.withLock(\.isRunning) }
}
