import BinaryStar
import BinaryStarCore
import CProcess
import Synchronization
import SystemPackage

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The pipe from `bstar guard` to the supervisor of its program: what may run, and until when. That nobody holds its other
/// end any more tells the supervisor that the guard is gone.
final class Lifeline: Sendable {
    /// Eight bytes each, so that a pipe carries it as a whole.
    enum Word: Hashable {
        /// The program may run until this instant, of the clock that both processes have.
        case run(until: MonotonicTime)
        /// The program is to end, and has the grace for it.
        case stop

        static let length = MemoryLayout<Int64>.size

        private static let stopCode = Int64.min

        init(code: Int64) { self = code == Self.stopCode ? .stop : .run(until: MonotonicTime(nanoseconds: code)) }

        var code: Int64 {
            switch self {
            case .run(let end): max(end.nanoseconds, Self.stopCode + 1)
            case .stop: Self.stopCode
            }
        }
    }

    // Not private: the compiler (6.3) cannot lay out a class that holds a lock over a private type in each case.
    struct State {
        var descriptor: FileDescriptor?
        /// Until when the program may run; `nil` if it has no lease.
        var leaseEnd: MonotonicTime?
        /// When the lease was last renewed after it was over: the supervisor may have acted on that.
        var lapse: MonotonicTime?
        /// Until when a program that was told to end may take.
        var stopBy: MonotonicTime?

        /// Whether the program had a lease, and it is over, or was a moment ago.
        var isLeaseOver: Bool {
            let now = MonotonicTime.now
            return leaseEnd.map { $0 <= now } ?? false || lapse.map { now - $0 < Lifeline.memory } ?? false
        }
    }

    private let state: Mutex<State>
    private let grace: Duration

    /// - Returns: the lifeline, and the end of it that is the supervisor's standard input.
    static func make(grace: Duration) throws(SystemPackage.Errno) -> (Lifeline, FileDescriptor) {
        var ends: [Int32] = [-1, -1]
        guard cprocess_pipe(&ends) == 0 else { throw SystemPackage.Errno(rawValue: errno) }
        // A supervisor that does not read must not hold the guard up.
        cprocess_never_wait(ends[1])
        return (Lifeline(FileDescriptor(rawValue: ends[1]), grace: grace), FileDescriptor(rawValue: ends[0]))
    }

    private init(_ descriptor: FileDescriptor, grace: Duration) {
        state = Mutex(State(descriptor: descriptor))
        self.grace = grace
    }

    /// Lets the program run until then. Never shortens: what was granted stands.
    func renew(until end: MonotonicTime) {
        state.withLock { state in
            let end = max(end, state.leaseEnd ?? .distantPast)
            let before = state.leaseEnd
            state.leaseEnd = end
            Self.send(.run(until: end), to: state.descriptor)
            // Looked at afterwards: what the supervisor had not read when its lease was over came too late.
            let now = MonotonicTime.now
            if let before, before <= now { state.lapse = now }
        }
    }

    /// Asks the program to end.
    func stop() {
        state.withLock { state in
            state.stopBy = .now + grace
            Self.send(.stop, to: state.descriptor)
        }
    }

    func close() {
        let descriptor = state.withLock { $0.descriptor.take() }
        try? descriptor?.close()
    }

    private static func send(_ word: Word, to descriptor: FileDescriptor?) {
        var code = word.code
        // One that cannot be written finds nobody who would read it in time.
        _ = try? withUnsafeBytes(of: &code) { try descriptor?.write($0) }
    }

    /// How long after a lapse it may take until it is known what the program ended by.
    private static let memory = Duration.seconds(5)

    /// Whether the program had a lease, and it is over, or was a moment ago.
    var isLeaseOver: Bool { state.withLock(\.isLeaseOver) }

    /// Whether all should have ended for so long that the supervisor itself must be at fault.
    var isOverdue: Bool {
        let end = state.withLock { min($0.leaseEnd ?? .distantFuture, $0.stopBy ?? .distantFuture) }
        return .now >= end + .milliseconds(300)
    }
}
