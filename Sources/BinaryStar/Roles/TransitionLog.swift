import BinaryStarCore

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The latest changes of role and term, as JSON lines in a file of the state directory: the evidence after an outage, and the
/// floor of the terms of the next life.
///
/// A line is appended in one write and made durable. A crash can cut off the last one, which counts for nothing then. When the
/// file has grown to twice what is kept, it is written anew beside the old one, and takes its place in one step.
final class TransitionLog: Sendable {
    struct State {
        var lines: [String]
        var linesInFile: Int
    }

    /// How many changes are kept.
    static let capacity = 1_000

    private let path: String
    private let state: Lock<State>

    /// What was in the file.
    let records: [TransitionRecord]
    /// The highest term in the file; 0 if there is none.
    let highestTerm: UInt64

    /// Reads what an earlier life has left.
    ///
    /// - Parameter directory: exists, or can be made.
    init(directory: String, name: String) throws(BinaryStarError) {
        guard mkdir(directory, 0o755) == 0 || errno == EEXIST else {
            throw Self.failed("make the directory", directory)
        }
        path = "\(directory)/\(name).jsonl"
        let text = try Self.read(path)
        let whole = text.split(separator: "\n", omittingEmptySubsequences: true).map(String.init)
            .filter { Self.term(inLine: $0) != nil }
        highestTerm = whole.compactMap(Self.term(inLine:)).max() ?? 0
        records = whole.suffix(Self.capacity).compactMap(TransitionRecord.init(line:))
        state = Lock(State(lines: whole.suffix(Self.capacity), linesInFile: whole.count))
        // Written anew without what a crash has cut off, so that the next line begins a line.
        try Self.replace(path, with: Array(whole.suffix(Self.capacity)))
    }

    /// Adds a change. Blocks until it is durable: not for the pump.
    func append(_ line: String) throws(BinaryStarError) {
        let rewritten = state.withLock { state -> [String]? in
            state.lines.append(line)
            if state.lines.count > Self.capacity { state.lines.removeFirst() }
            state.linesInFile += 1
            guard state.linesInFile >= Self.capacity * 2 else { return nil }
            state.linesInFile = state.lines.count
            return state.lines
        }
        if let rewritten { return try Self.replace(path, with: rewritten) }
        try Self.write(line + "\n", to: path, flags: O_WRONLY | O_CREAT | O_APPEND)
    }

    // MARK: Lines

    /// The term of a line, or `nil` if the line is not whole.
    static func term(inLine line: String) -> UInt64? {
        guard line.hasPrefix("{"), line.hasSuffix("}"), let key = line.firstRange(of: "\"term\":") else { return nil }
        return UInt64(line[key.upperBound...].prefix { $0.isASCII && $0.isNumber })
    }

    // MARK: Files

    private static func failed(_ operation: String, _ path: String) -> BinaryStarError {
        BinaryStarError(
            .stateUnavailable, "stateDirectory: cannot \(operation) \"\(path)\": \(String(cString: strerror(errno)))")
    }

    private static func read(_ path: String) throws(BinaryStarError) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return "" }
            throw failed("read", path)
        }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            #if canImport(Darwin)
            let count = Darwin.read(descriptor, &buffer, buffer.count)
            #elseif canImport(Glibc)
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            #elseif canImport(Musl)
            let count = Musl.read(descriptor, &buffer, buffer.count)
            #endif
            if count == 0 { break }
            guard count > 0 else {
                if errno == EINTR { continue }
                throw failed("read", path)
            }
            bytes += buffer[..<count]
        }
        // What is no UTF-8 makes its line one that does not count.
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func replace(_ path: String, with lines: [String]) throws(BinaryStarError) {
        let newPath = path + ".new"
        try write(lines.map { $0 + "\n" }.joined(), to: newPath, flags: O_WRONLY | O_CREAT | O_TRUNC)
        guard rename(newPath, path) == 0 else { throw failed("replace", path) }
    }

    private static func write(_ text: String, to path: String, flags: Int32) throws(BinaryStarError) {
        let descriptor = open(path, flags | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw failed("write", path) }
        defer { close(descriptor) }
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { buffer in
                #if canImport(Darwin)
                Darwin.write(descriptor, buffer.baseAddress, buffer.count)
                #elseif canImport(Glibc)
                Glibc.write(descriptor, buffer.baseAddress, buffer.count)
                #elseif canImport(Musl)
                Musl.write(descriptor, buffer.baseAddress, buffer.count)
                #endif
            }
            if count < 0 {
                if errno == EINTR { continue }
                throw failed("write", path)
            }
            bytes = bytes.dropFirst(count)
        }
        guard fsync(descriptor) == 0 else { throw failed("write", path) }
    }
}
