import ArgumentParser
import BinaryStar

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The terminal, or whatever the output was sent to. Each line is written at once and as a whole.
enum Console {
    static func print(_ line: String) { write(line + "\n", to: STDOUT_FILENO) }

    /// What went wrong. Where the journal reads it, with the priority of a warning in front.
    static func printError(_ line: String) { printLog((isReadByJournal ? "<4>" : "") + line) }

    /// A line of the log, which has its own priority.
    static func printLog(_ line: String) { write(line + "\n", to: STDERR_FILENO) }

    /// Whether systemd's journal reads standard error, which takes a priority from the front of a line: sd-daemon(3).
    static let isReadByJournal = getenv("JOURNAL_STREAM") != nil

    /// Writes without a line end, for a line that is drawn again and again.
    static func draw(_ text: String) { write(text, to: STDOUT_FILENO) }

    /// Whether standard output is a terminal that understands control sequences.
    static var isTerminal: Bool {
        guard isatty(STDOUT_FILENO) == 1, let type = getenv("TERM") else { return false }
        return String(cString: type) != "dumb"
    }

    static func write(_ text: String, to descriptor: Int32) { _ = write(Array(text.utf8), to: descriptor) }

    /// - Returns: whether it could be written. If not, whoever read it is gone.
    static func writeOutput(_ bytes: [UInt8]) -> Bool { write(bytes, to: STDOUT_FILENO) }

    static func writeError(_ bytes: [UInt8]) { _ = write(bytes, to: STDERR_FILENO) }

    private static func write(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            #if canImport(Darwin)
            let count = rest.withUnsafeBytes { Darwin.write(descriptor, $0.baseAddress, $0.count) }
            #elseif canImport(Glibc)
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            #else
            let count = rest.withUnsafeBytes { Musl.write(descriptor, $0.baseAddress, $0.count) }
            #endif
            if count < 0, errno != EINTR { return false }
            rest = rest.dropFirst(max(0, count))
        }
        return true
    }

    /// Lets a write fail when whoever read the output is gone, where otherwise a signal ends the process.
    static func reportBrokenPipes() { signal(SIGPIPE, SIG_IGN) }

    /// Ends the process at once.
    static func end(exitCode: Int32) -> Never { exit(exitCode) }
}

/// Runs a command's work, and turns what it throws into a message and an exit code.
func reportingErrors(_ work: () async throws -> Void) async throws {
    do {
        try await work()
    } catch let error as BinaryStarError {
        Console.printError("bstar: \(error.message)")
        switch error.code {
        case .invalidConfiguration: throw ExitCode.validationFailure
        case .conflict: throw ExitCode(2)
        default: throw ExitCode.failure
        }
    } catch let error as BinaryStarClientError {
        Console.printError("bstar: \(error.message)")
        throw ExitCode.failure
    } catch let error as ControlError {
        Console.printError("bstar: \(error.message)")
        throw ExitCode.failure
    } catch let error as ControlFailure {
        Console.printError("bstar: \(error)")
        throw ExitCode.failure
    } catch let error as StandardInput.Failed {
        Console.printError("bstar: \(error)")
        throw ExitCode.failure
    }
}

extension Duration {
    /// The duration for people: `0.42 ms`, `1.53 s`.
    var short: String {
        let milliseconds = self / .milliseconds(1)
        if milliseconds < 10 { return "\(milliseconds.rounded(to: 2)) ms" }
        if milliseconds < 1_000 { return "\(Int(milliseconds.rounded())) ms" }
        return "\((milliseconds / 1_000).rounded(to: 2)) s"
    }
}

extension Double {
    /// The number with this many digits behind the point.
    func rounded(to digits: Int) -> String {
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        let scaled = Int((self * scale).rounded())
        let fraction = String(abs(scaled) % Int(scale))
        return "\(scaled / Int(scale))." + String(repeating: "0", count: digits - fraction.count) + fraction
    }
}
