import BinaryStarCore
import CZeroMQ
import Synchronization
import ZeroMQ

/// A thread that pumps `zmq_poll` and is the executor of the actors whose sockets it polls.
///
/// A ``BinaryStar`` or a ``BinaryStarClient`` makes a pump of its own unless it is given one. Give the same pump to many of
/// them to have all of them on one thread:
///
/// ```swift
/// let pump = Pump()
/// let stars = try configurations.map { try BinaryStar(configuration: $0, pump: pump) }
/// ```
///
/// The thread exists exactly as long as there is something to pump: it starts with the first job, and ends when no job
/// waits and no socket and timer is left. Jobs that come later start it again, so that no job is ever lost.
///
/// Nothing that blocks may run on a pump: a blocked pump sends no heartbeat.
///
/// Source: the shape is that of a reactor such as zguide's and CZMQ's `zloop`, with a Swift executor on it.
public final class Pump: Sendable {
    private let queue = PumpQueue()
    private let wake = WakeDescriptor()
    private let thread = Atomic<UInt>(0)
    private let name: String
    private let busyPolls: Bool

    /// What the pump's thread owns.
    // Reached on the pump's thread only, which `confined` checks; the queue's lock orders one thread after another.
    private nonisolated(unsafe) let loop: PumpLoop

    /// - Parameters:
    ///   - name: the thread's name, as debuggers and `top` show it. At most 15 bytes on Linux.
    ///   - busyPolls: whether the thread looks for more messages for up to 200 µs after eight or more have come at once, before it
    ///     sleeps. That answers more requests a second, and takes more processor time; where a limit on processor time slows a
    ///     process down (a CPU quota of a container), better not. With a single processor it never does.
    public init(name: String = "bstar-pump", busyPolls: Bool = true) {
        self.name = name
        self.busyPolls = busyPolls
        loop = PumpLoop(wake: wake.descriptor)
    }

    /// Whether the caller runs on the pump's thread.
    var isCurrentThread: Bool {
        thread.load(ordering: .relaxed) == UInt(czmq_thread_self())
    }

    /// The sockets and timers, for callers on the pump's thread.
    var confined: PumpLoop {
        precondition(isCurrentThread, "a pump's sockets and timers are used on its own thread only")
        return loop
    }

    func add(_ work: PumpQueue.Work) {
        switch queue.add(work) {
        case .none: break
        case .wake: wake.signal()
        case .startThread: startThread()
        }
    }

    // MARK: The thread

    private func startThread() {
        // The thread keeps the pump alive until it ends.
        let pump = Unmanaged.passRetained(self)
        let status = czmq_thread_start(
            { argument in
                guard let argument else { return nil }
                Unmanaged<Pump>.fromOpaque(argument).takeRetainedValue().main()
                return nil
            }, pump.toOpaque())
        precondition(status == 0, "cannot start a thread for the pump (error \(status)); raise the limit of threads")
    }

    private func main() {
        czmq_thread_set_name(name)
        thread.store(UInt(czmq_thread_self()), ordering: .relaxed)
        loop.busyPoll = BusyPoll(isAllowed: busyPolls && czmq_processor_count() > 1)
        var work: [PumpQueue.Work] = []
        repeat {
            loop.runTurn {
                queue.take(into: &work)
                guard !work.isEmpty else { return }
                for item in work { perform(item) }
                work.removeAll(keepingCapacity: true)
            }
        } while waitForMore()
    }

    private func perform(_ work: PumpQueue.Work) {
        switch work {
        case .job(let job):
            job.runSynchronously(on: asUnownedSerialExecutor())
        case .task(let job, let executor): job.runSynchronously(on: executor.asUnownedTaskExecutor())
        case .signal(let signal): signal.fire()
        }
    }

    /// Sleeps until there is something to do. Returns false if the thread must end.
    private func waitForMore() -> Bool {
        let isIdle = loop.isIdle
        if !isIdle, findsMoreWhileBusy() { return true }
        if isIdle { loop.releaseContext() }
        // Before the lock is released: the next thread may start at once.
        thread.store(0, ordering: .relaxed)
        let rest = queue.rest(isIdle: isIdle)
        if case .end = rest { return false }
        thread.store(UInt(czmq_thread_self()), ordering: .relaxed)
        let wasWoken = loop.poll(mayWait: rest == .sleep)
        queue.wakeUp()
        // Only what poll has seen: a wake that is on its way belongs to the next turn.
        if wasWoken { wake.drain() }
        return true
    }

    /// Looks for more while that is better than to sleep. Nobody has to wake the pump meanwhile: the queue has it as awake.
    private func findsMoreWhileBusy() -> Bool {
        guard loop.busyPoll.isOn else { return false }
        let begin = MonotonicTime.now
        var start = begin
        repeat {
            if loop.poll(mayWait: false) { wake.drain() }
            if loop.isReady || !queue.isEmpty { return true }
            czmq_thread_yield()
            let now = MonotonicTime.now
            loop.busyPoll.lookedInVain(since: begin, from: start, to: now)
            start = now
        } while loop.busyPoll.isOn
        return false
    }
}
