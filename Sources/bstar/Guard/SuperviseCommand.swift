import ArgumentParser
import BinaryStar
import BinaryStarCore
import CProcess

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The process between `bstar guard` and the program: ends the program, and all that it started, when it is told to; and at
/// once when the program's lease is over, or `bstar guard` is gone, whatever ended it.
///
/// It reads the ``Lifeline`` as its standard input, which the kernel closes with the guard. On Linux orphans of the program
/// become children of this process, also those that left the program's process group.
struct SuperviseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "supervise", abstract: "Used by bstar guard.", shouldDisplay: false)

    @Option var graceMilliseconds = 10_000
    @Flag(help: "Whether the program may run only until the guard says.") var leased = false
    @Argument(parsing: .postTerminator) var command: [String] = []

    func run() throws {
        // The link that it was started by would have ps call it "exe".
        cprocess_set_name("bstar-supervise")
        cprocess_adopt_orphans()
        let signals = cprocess_watch_signals()
        guard signals >= 0 else { throw failure("cannot watch signals", errno) }
        var orders = Orders(grace: .milliseconds(graceMilliseconds), isLeased: leased)
        if leased { orders.receive() }
        guard !orders.mustKill else { throw ExitCode(128 + SIGKILL) }
        var arguments = command.map { strdup($0) } + [nil]
        let program = cprocess_start(&arguments)
        guard program > 0 else { throw failure("cannot start \(command.first ?? "")", -program) }
        var supervision = Supervision(program: program, signals: signals, orders: orders)
        throw ExitCode(supervision.superviseToTheEnd())
    }

    private func failure(_ what: String, _ code: Int32) -> ExitCode {
        Console.printError("bstar: \(what): \(String(cString: strerror(code)))")
        return ExitCode(ProgramExit.cannotStart)
    }
}

/// What the guard has said so far.
private struct Orders {
    private let grace: Duration
    private var leaseEnd: MonotonicTime
    /// Until when those that were asked to end may take.
    private var stopBy: MonotonicTime?
    private(set) var isGuardGone = false

    init(grace: Duration, isLeased: Bool) {
        self.grace = grace
        leaseEnd = isLeased ? .distantPast : .distantFuture
    }

    var mustStop: Bool { stopBy != nil }

    /// Whether all that runs is to be killed.
    var mustKill: Bool { isGuardGone || killAt <= .now }

    var killAt: MonotonicTime { min(leaseEnd, stopBy ?? .distantFuture) }

    mutating func stop() { if stopBy == nil { stopBy = .now + grace } }

    /// Takes what standard input has, of which there must be something: words, or its end.
    mutating func receive() {
        var words = [Int64](repeating: 0, count: 64)
        let count = read(STDIN_FILENO, &words, words.count * Lifeline.Word.length)
        if count == 0 || (count < 0 && errno != EINTR && errno != EAGAIN) { isGuardGone = true }
        for code in words.prefix(max(0, count) / Lifeline.Word.length) {
            switch Lifeline.Word(code: code) {
            case .run(let end): leaseEnd = max(leaseEnd, end)
            case .stop: stop()
            }
        }
    }
}

/// What is left of a program and its descendants.
private struct Supervision {
    let program: pid_t
    let signals: Int32
    var orders: Orders

    private var exitCode: Int32?
    private var wereAskedToEnd = false

    init(program: pid_t, signals: Int32, orders: Orders) {
        self.program = program
        self.signals = signals
        self.orders = orders
    }

    /// Returns the program's exit code when nothing that it started runs any more.
    mutating func superviseToTheEnd() -> Int32 {
        while reapsAll() {
            if orders.mustKill {
                signalAll(SIGKILL)
            } else if orders.mustStop, !wereAskedToEnd {
                wereAskedToEnd = true
                signalAll(SIGTERM)
            }
            wait()
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
            orders.stop()
        }
    }

    private func signalAll(_ number: Int32) {
        kill(-program, number)
        cprocess_signal_children(number)
    }

    /// Waits until something happens, or it is time to look again.
    private mutating func wait() {
        // Once the guard is gone, standard input has nothing more to tell.
        var entries = [
            pollfd(fd: signals, events: Int16(POLLIN), revents: 0),
            pollfd(fd: orders.isGuardGone ? -1 : STDIN_FILENO, events: Int16(POLLIN), revents: 0),
        ]
        poll(&entries, nfds_t(entries.count), milliseconds)
        var byte: UInt8 = 0
        while read(signals, &byte, 1) == 1 {
            if Int32(byte) == SIGTERM { orders.stop() }
        }
        if entries[1].revents != 0 { orders.receive() }
    }

    /// Those that are to end are looked at again soon: an orphan may be adopted at any time. And a lease may end while the
    /// machine sleeps, in which poll's own clock stands still.
    private var milliseconds: Int32 {
        if orders.mustKill { return 10 }
        let left = (orders.killAt - .now) / .milliseconds(1)
        return Int32(max(1, min(left.rounded(.up), orders.mustStop ? 50 : 100)))
    }
}
