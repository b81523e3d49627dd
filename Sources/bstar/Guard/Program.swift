import CProcess
import Subprocess
import Synchronization
import SystemPackage

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A program that runs, by its supervisor, until it exits or is stopped.
struct Program: Sendable {
    /// Closing it is what stops the program; the kernel does so too, when this process is gone.
    private let lifeline: FileDescriptor
    private let exit: Task<ProgramExit, any Error>

    /// - Parameters:
    ///   - command: the program and its arguments.
    ///   - variables: what its environment has beyond this process's own.
    ///   - grace: how long it may take to end when it is asked to, before it is killed.
    init(_ command: [String], variables: [String: String], grace: Duration) throws {
        var ends: [Int32] = [-1, -1]
        guard cprocess_pipe(&ends) == 0 else { throw SystemPackage.Errno(rawValue: errno) }
        let input = FileDescriptor(rawValue: ends[0])
        lifeline = FileDescriptor(rawValue: ends[1])
        let arguments =
            ["supervise", "--grace-milliseconds", "\(Int(grace / .milliseconds(1)))", "--"] + command
        var changes: [Environment.Key: String?] = [:]
        // What the program says to a service manager would be taken for the guard's own word.
        for name in ServiceManager.variables { changes[Environment.Key(stringLiteral: name)] = .some(nil) }
        for (name, value) in variables { changes[Environment.Key(stringLiteral: name)] = value }
        let environment = Environment.inherit.updating(changes)
        // Not a child of the task that asks: a cancelled one would kill the supervisor before it could stop the program.
        exit = Task {
            let result = try await Subprocess.run(
                Executable.bstar, arguments: Arguments(arguments), environment: environment,
                input: .fileDescriptor(input, closeAfterSpawningProcess: true),
                output: .fileDescriptor(.standardOutput, closeAfterSpawningProcess: false),
                error: .fileDescriptor(.standardError, closeAfterSpawningProcess: false))
            return switch result.terminationStatus {
            case .exited(let code): ProgramExit(code: code)
            case .signaled(let signal): ProgramExit(code: 128 + signal)
            }
        }
    }

    /// Waits until the program has exited by itself; or, when the task is cancelled, stops it and waits until it and all that
    /// it started have ended.
    func run() async throws -> ProgramExit {
        let lifeline = Lifeline(lifeline)
        defer { lifeline.close() }
        return try await withTaskCancellationHandler {
            try await exit.value
        } onCancel: {
            lifeline.close()
        }
    }
}

/// A descriptor that is closed once.
private final class Lifeline: Sendable {
    private let descriptor: Mutex<FileDescriptor?>

    init(_ descriptor: FileDescriptor) { self.descriptor = Mutex(descriptor) }

    func close() { try? descriptor.withLock { $0.take() }?.close() }
}
