import ArgumentParser
import CProcess

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The process between `bstar guard` and the program: ends the program, and all that it started, when it is told to or when
/// `bstar guard` is gone, whatever ended it.
///
/// The guard holds the other end of standard input, which the kernel closes with the guard. On Linux orphans of the program
/// become children of this process, also those that left the program's process group.
struct SuperviseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "supervise", abstract: "Used by bstar guard.", shouldDisplay: false)

    @Option var graceMilliseconds = 10_000
    @Argument(parsing: .postTerminator) var command: [String] = []

    func run() throws {
        cprocess_adopt_orphans()
        let signals = cprocess_watch_signals()
        guard signals >= 0 else { throw failure("cannot watch signals", errno) }
        var arguments = command.map { strdup($0) } + [nil]
        let program = cprocess_start(&arguments)
        guard program > 0 else { throw failure("cannot start \(command.first ?? "")", -program) }
        var supervisor = Supervisor(program: program, grace: .milliseconds(graceMilliseconds), signals: signals)
        throw ExitCode(supervisor.superviseToTheEnd())
    }

    private func failure(_ what: String, _ code: Int32) -> ExitCode {
        Console.printError("bstar: \(what): \(String(cString: strerror(code)))")
        return ExitCode(ProgramExit.cannotStart)
    }
}

/// What is left of a program and its descendants.
private struct Supervisor {
    let program: pid_t
    let grace: Duration
    let signals: Int32

    private var exitCode: Int32?
    /// Until when those that were asked to end may take.
    private var killAt: ContinuousClock.Instant?

    init(program: pid_t, grace: Duration, signals: Int32) {
        self.program = program
        self.grace = grace
        self.signals = signals
    }

    /// Returns the program's exit code when nothing that it started runs any more.
    mutating func superviseToTheEnd() -> Int32 {
        while reapsAll() {
            if let killAt, killAt <= .now { signalAll(SIGKILL) }
            let (mustStop, wasSignalled) = wait()
            if mustStop || wasSignalled { stop() }
        }
        return exitCode ?? 0
    }

    /// Takes note of all that have ended. Returns false if none is left.
    private mutating func reapsAll() -> Bool {
        var code: Int32 = 0
        while true {
            let child = cprocess_reap(&code)
            guard child != 0 else { return true }
            guard child > 0 else { return false }
            guard child == program else { continue }
            exitCode = code
            // What it leaves behind has nobody who would end it.
            stop()
        }
    }

    private mutating func stop() {
        guard killAt == nil else { return }
        killAt = .now + grace
        signalAll(SIGTERM)
    }

    private func signalAll(_ number: Int32) {
        kill(-program, number)
        cprocess_signal_children(number)
    }

    /// Waits until something happens, or it is time to look again.
    private func wait() -> (isAlone: Bool, wasTold: Bool) {
        // Once the guard is gone, standard input has nothing more to tell.
        var entries = [
            pollfd(fd: signals, events: Int16(POLLIN), revents: 0),
            pollfd(fd: killAt == nil ? STDIN_FILENO : -1, events: Int16(POLLIN), revents: 0),
        ]
        poll(&entries, nfds_t(entries.count), milliseconds)
        var wasTold = false
        var byte: UInt8 = 0
        while read(signals, &byte, 1) == 1 {
            if Int32(byte) == SIGTERM { wasTold = true }
        }
        return (entries[1].revents != 0 && read(STDIN_FILENO, &byte, 1) <= 0, wasTold)
    }

    /// Those that have been told to end, or were killed, are looked at again soon: an orphan may be adopted at any time.
    private var milliseconds: Int32 {
        guard let killAt else { return -1 }
        let left = (killAt - .now) / .milliseconds(1)
        return Int32(max(10, min(left, 50)).rounded(.up))
    }
}
