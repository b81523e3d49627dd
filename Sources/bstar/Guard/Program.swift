import BinaryStarCore
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

/// A program that runs, by its supervisor, until it exits or is stopped. One at a time.
struct Program: Sendable {
    /// What lets a program run.
    struct Lease: Sendable {
        /// How often to ask for a later end.
        let period: Duration
        /// Until when the program may run, for all that is known.
        let end: @Sendable () async -> MonotonicTime
    }

    /// The program and its arguments.
    let command: [String]
    /// What its environment has beyond this process's own.
    let variables: [String: String]
    /// How long it may take to end when it is asked to, before it is killed.
    let grace: Duration
    /// Without one it may run for as long as this process does.
    var lease: Lease?

    /// Waits until the program has exited by itself; or, when the task is cancelled, stops it and waits until it and all that
    /// it started have ended.
    func run() async throws -> ProgramExit {
        let (lifeline, input) = try Lifeline.make(grace: grace)
        defer { lifeline.close() }
        if let lease { lifeline.renew(until: await lease.end()) }
        let supervisor = Supervisor()
        // Neither is a child of the task that asks: they go on while a cancelled one waits for the program to end.
        let exit = Task { try await supervisor.run(arguments, environment, input: input) }
        let watch = Task { await keepWatch(over: supervisor, lifeline) }
        defer { watch.cancel() }
        let code = try await withTaskCancellationHandler {
            try await exit.value
        } onCancel: {
            lifeline.stop()
        }
        return ProgramExit(code: code, hasLostLease: code == 128 + SIGKILL && lifeline.isLeaseOver)
    }

    private var arguments: [String] {
        ["supervise", "--grace-milliseconds", "\(Int(grace / .milliseconds(1)))"] + (lease == nil ? [] : ["--leased"])
            + ["--"] + command
    }

    private var environment: Environment {
        var changes: [Environment.Key: String?] = [:]
        // What the program says to a service manager would be taken for the guard's own word.
        for name in ServiceManager.variables { changes[Environment.Key(stringLiteral: name)] = .some(nil) }
        for (name, value) in variables { changes[Environment.Key(stringLiteral: name)] = value }
        return Environment.inherit.updating(changes)
    }

    /// Renews the lease, and kills a supervisor that does not do its work, such as one that was stopped.
    private func keepWatch(over supervisor: Supervisor, _ lifeline: Lifeline) async {
        while !Task.isCancelled {
            if let lease { lifeline.renew(until: await lease.end()) }
            if lifeline.isOverdue { supervisor.end() }
            try? await Task.sleep(for: lease?.period ?? .milliseconds(100))
        }
    }
}

/// The process that ends the program, see ``SuperviseCommand``.
private final class Supervisor: Sendable {
    private let processID = Mutex<pid_t?>(nil)

    /// - Returns: the exit code of the program, or 128 and the number of the signal that ended it.
    func run(_ arguments: [String], _ environment: Environment, input: FileDescriptor) async throws -> Int32 {
        let status = try await status(arguments, environment, input: input)
        switch status {
        case .exited(let code): return code
        case .signaled(let signal):
            await Children.end()
            return 128 + signal
        }
    }

    private func status(
        _ arguments: [String], _ environment: Environment, input: FileDescriptor
    ) async throws -> TerminationStatus {
        // Its number may be another's by now.
        defer { processID.withLock { $0 = nil } }
        return try await Subprocess.run(
            Executable.bstar, arguments: Arguments(arguments), environment: environment,
            input: .fileDescriptor(input, closeAfterSpawningProcess: true),
            output: .fileDescriptor(.standardOutput, closeAfterSpawningProcess: false),
            error: .fileDescriptor(.standardError, closeAfterSpawningProcess: false)
        ) { execution in
            processID.withLock { $0 = execution.processIdentifier.value }
        }.terminationStatus
    }

    func end() {
        processID.withLock { processID in
            if let processID { kill(processID, SIGKILL) }
        }
    }
}
