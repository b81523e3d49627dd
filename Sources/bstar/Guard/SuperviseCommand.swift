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
        Children.adoptOrphans()
        let signals = cprocess_watch_signals()
        guard signals >= 0 else { throw failure("cannot watch signals", errno) }
        cprocess_never_wait(STDIN_FILENO)
        var orders = Orders(grace: .milliseconds(graceMilliseconds), isLeased: leased)
        if leased { orders.receive() }
        guard !orders.mustKill(at: .now) else { throw ExitCode(128 + SIGKILL) }
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
    func mustKill(at now: MonotonicTime) -> Bool { isGuardGone || killAt <= now }

    var killAt: MonotonicTime { min(leaseEnd, stopBy ?? .distantFuture) }

    mutating func stop() { if stopBy == nil { stopBy = .now + grace } }

    /// Takes all that standard input has: words, or its end. What a supervisor that was stopped has missed can be much, up to what a
    /// pipe holds, and only the last of it counts.
    mutating func receive() {
        var words = [Int64](repeating: 0, count: 64)
        while !isGuardGone {
            let count = read(STDIN_FILENO, &words, words.count * Lifeline.Word.length)
            if count < 0 {
                if errno == EINTR { continue }
                isGuardGone = errno != EAGAIN
                return
            }
            isGuardGone = count == 0
            for code in words.prefix(count / Lifeline.Word.length) {
                switch Lifeline.Word(code: code) {
                case .run(let end): leaseEnd = max(leaseEnd, end)
                case .stop: stop()
                }
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
    private var isGroupAsked = false
    /// The children outside the program's process group that were asked to end.
    private var asked: Set<pid_t> = []

    init(program: pid_t, signals: Int32, orders: Orders) {
        self.program = program
        self.signals = signals
        self.orders = orders
    }

    /// Returns the program's exit code when nothing that it started runs any more.
    mutating func superviseToTheEnd() -> Int32 {
        while isAnythingLeft() {
            // Before what was said is taken: this process may be stopped at any point.
            let now = MonotonicTime.now
            orders.receive()
            if orders.mustKill(at: now) { killAll() } else if orders.mustStop { askAll() }
            wait()
        }
        return exitCode ?? 0
    }

    /// Takes note of all that have ended.
    private mutating func isAnythingLeft() -> Bool {
        var code: Int32 = 0
        while true {
            let child = cprocess_reap(&code)
            guard child != 0 else { return true }
            guard child > 0 else { return Children.canAdopt ? false : kill(-program, 0) == 0 }
            asked.remove(child)
            guard child == program else { continue }
            exitCode = code
            // What it leaves behind has nobody who would end it.
            orders.stop()
        }
    }

    /// Asks each to end, once: many programs take a second SIGTERM for impatience. What is adopted later is asked then.
    private mutating func askAll() {
        let (members, others) = children()
        if members, !isGroupAsked {
            isGroupAsked = true
            kill(-program, SIGTERM)
        }
        for child in others where asked.insert(child).inserted { kill(child, SIGTERM) }
    }

    private func killAll() {
        let (members, others) = children()
        if members { kill(-program, SIGKILL) }
        for child in others { kill(child, SIGKILL) }
    }

    /// Whether the program's process group has a member that this process has to reap, so that its number cannot be another's; and
    /// the children outside it. Where the system does not tell of children, as if it had one.
    private func children() -> (members: Bool, others: [pid_t]) {
        guard let children = Children.all() else { return (true, []) }
        let others = children.filter { getpgid($0) != program }
        return (others.count < children.count, others)
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
    }

    /// Those that are to end are looked at again soon: an orphan may be adopted at any time. And a lease may end while the
    /// machine sleeps, in which poll's own clock stands still.
    private var milliseconds: Int32 {
        if orders.mustKill(at: .now) { return 10 }
        let left = (orders.killAt - .now) / .milliseconds(1)
        return Int32(max(1, min(left.rounded(.up), orders.mustStop ? 50 : 100)))
    }
}
