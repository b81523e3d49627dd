import Subprocess
import SystemPackage

/// A process of this very tool, and what it says.
struct DemoProcess: Sendable {
    private let signals: AsyncStream<Signal>.Continuation
    private let task: Task<Void, any Error>

    /// - Parameters:
    ///   - arguments: the tool's arguments.
    ///   - onLine: gets each line of standard output.
    init(_ arguments: [String], onLine: @escaping @Sendable (String) async -> Void) {
        let (stream, continuation) = AsyncStream.makeStream(of: Signal.self)
        signals = continuation
        task = Task {
            _ = try await Subprocess.run(
                .bstar, arguments: Arguments(arguments), input: .none, output: .sequence,
                error: .fileDescriptor(.standardError, closeAfterSpawningProcess: false)
            ) { execution in
                let sender = Task { for await signal in stream { try execution.send(signal: signal) } }
                defer { sender.cancel() }
                for try await line in execution.standardOutput.strings() { await onLine(line) }
            }
        }
    }

    /// Sends a signal and waits until the process has ended.
    func end(with signal: Signal) async {
        signals.yield(signal)
        _ = await task.result
    }

    /// Ends the process without ceremony when nobody waits for it.
    func cancel() { task.cancel() }
}
