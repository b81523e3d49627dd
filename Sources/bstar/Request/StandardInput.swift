import Dispatch
import Synchronization

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The lines of standard input. They are read when they are asked for, so that no more than a block is kept.
actor StandardInput {
    struct Failed: Error, CustomStringConvertible {
        let description: String
    }

    private let descriptor: Int32
    /// Where what blocks may block.
    private let queue = DispatchQueue(label: "bstar.stdin")
    private var splitter = LineSplitter()
    private var isAtEnd = false

    init(descriptor: Int32 = STDIN_FILENO) { self.descriptor = descriptor }

    /// The next line without its end, or `nil` after the last. To be called by one task. Throws `CancellationError` at once
    /// when that is cancelled, also while it waits for input.
    func nextLine() async throws -> ArraySlice<UInt8>? {
        while true {
            if let line = splitter.next() { return line }
            if isAtEnd { return splitter.rest() }
            guard splitter.pending <= ByteSize.largest.bytes else {
                throw Failed(description: "a line of standard input is longer than 64MiB")
            }
            let block = try await readBlock()
            if block.isEmpty { isAtEnd = true } else { splitter.add(block) }
        }
    }

    private func readBlock() async throws -> [UInt8] {
        let answer = OneAnswer<Result<[UInt8], Failed>>()
        queue.async { [descriptor] in answer.give(Self.read(descriptor)) }
        guard let block = await answer.value else { throw CancellationError() }
        return try block.get()
    }

    private nonisolated static func read(_ descriptor: Int32) -> Result<[UInt8], Failed> {
        var count = 0
        let block = [UInt8](unsafeUninitializedCapacity: 64 << 10) { buffer, initialized in
            repeat {
                #if canImport(Darwin)
                count = Darwin.read(descriptor, buffer.baseAddress, buffer.count)
                #elseif canImport(Glibc)
                count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
                #elseif canImport(Musl)
                count = Musl.read(descriptor, buffer.baseAddress, buffer.count)
                #endif
            } while count < 0 && errno == EINTR
            initialized = max(0, count)
        }
        if count >= 0 { return .success(block) }
        return .failure(Failed(description: "cannot read standard input: \(String(cString: strerror(errno)))"))
    }
}

/// Cuts blocks of bytes into lines.
struct LineSplitter {
    private var bytes: [UInt8] = []
    private var start = 0
    /// Up to where there is no line end.
    private var searched = 0

    /// How many bytes there are of a line that has no end yet.
    var pending: Int { bytes.count - start }

    mutating func add(_ block: [UInt8]) {
        bytes.removeFirst(start)
        searched -= start
        start = 0
        bytes += block
    }

    /// The next whole line, without its end.
    mutating func next() -> ArraySlice<UInt8>? {
        guard let end = bytes[searched...].firstIndex(of: UInt8(ascii: "\n")) else {
            searched = bytes.count
            return nil
        }
        defer { (start, searched) = (end + 1, end + 1) }
        return bytes[start..<end]
    }

    /// A last line that has no end.
    mutating func rest() -> ArraySlice<UInt8>? {
        defer { (start, searched) = (bytes.count, bytes.count) }
        return pending > 0 ? bytes[start...] : nil
    }
}

/// A value that another thread gives, or `nil` if the task that waits is cancelled.
private final class OneAnswer<Value: Sendable>: Sendable {
    private enum State {
        case empty
        case waiting(CheckedContinuation<Value?, Never>)
        case given(Value?)
    }

    private let state = Mutex(State.empty)

    func give(_ value: Value?) {
        let waiter = state.withLock { state -> CheckedContinuation<Value?, Never>? in
            switch state {
            case .empty: state = .given(value)
            case .waiting(let continuation):
                state = .given(value)
                return continuation
            case .given: break
            }
            return nil
        }
        waiter?.resume(returning: value)
    }

    var value: Value? {
        get async {
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let given = state.withLock { state -> Value?? in
                        if case .given(let value) = state { return .some(value) }
                        state = .waiting(continuation)
                        return .none
                    }
                    if let given { continuation.resume(returning: given) }
                }
            } onCancel: {
                give(nil)
            }
        }
    }
}
