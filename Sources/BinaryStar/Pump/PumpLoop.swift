import BinaryStarCore
import ZeroMQ

/// What a pump's thread owns: the context, the poll set and the timers, and the order of one turn.
final class PumpLoop {
    private var sockets: PumpedSockets
    private let timers = PumpTimers()
    private var context: Context?
    private var ready: [(PumpedSocket, PollSet.Events)] = []
    private var monitorCount = 0
    /// Counts the passes over the ready sockets, two a turn.
    private(set) var turn = 0

    /// Until when those who drain a socket may go on within this turn.
    private(set) var budgetEnd = MonotonicTime(nanoseconds: 0)

    /// The longest that draining may hold up the turn.
    private static let budgetNanoseconds: Int64 = 10_000_000

    /// Whether to sleep when there is nothing to do.
    var busyPoll = BusyPoll(isAllowed: false)

    init(wake descriptor: Int32) {
        sockets = PumpedSockets(wake: descriptor)
    }

    // MARK: What tenants register

    func makeSocket(_ type: SocketType) throws(ZeroMQError) -> Socket {
        if let context { return try Socket(type, in: context) }
        let context = try Context()
        self.context = context
        return try Socket(type, in: context)
    }

    func startMonitor(of socket: borrowing Socket, _ kinds: MonitorEvent.Kind) throws(ZeroMQError) -> Socket {
        monitorCount += 1
        return try socket.startMonitor(kinds, name: "\(monitorCount)")
    }

    func insert(_ socket: PumpedSocket, events: PollSet.Events) { sockets.insert(socket, events: events) }

    func remove(_ socket: PumpedSocket) { sockets.remove(socket) }

    func setEvents(_ events: PollSet.Events, of socket: PumpedSocket) { sockets.setEvents(events, of: socket) }

    func insert(_ timer: PumpTimer) { timers.insert(timer) }

    func remove(_ timer: PumpTimer) { timers.remove(timer) }

    // MARK: A turn

    /// Whether the last poll found sockets to serve.
    var isReady: Bool { !ready.isEmpty }

    /// Whether there is nothing to watch.
    var isIdle: Bool { sockets.isEmpty && timers.isEmpty }

    /// Lets go of the context when no socket is left; closing the last one ends its threads.
    func releaseContext() {
        context = nil
    }

    /// Serves what the last poll found, in this order: heartbeats, timers, jobs, requests. Heartbeats come before the
    /// timers, so that a peer that has spoken is never taken for silent.
    func runTurn(jobs: () -> Void) {
        _ = serve(.control)
        let now = MonotonicTime.now
        timers.fire(at: now)
        jobs()
        budgetEnd = MonotonicTime(nanoseconds: now.nanoseconds + Self.budgetNanoseconds)
        if let next = timers.next { budgetEnd = min(budgetEnd, next) }
        let received = serve(.data)
        ready.removeAll(keepingCapacity: true)
        if received >= BusyPoll.burst { busyPoll.begin(at: .now) }
    }

    /// Returns how many messages were received.
    private func serve(_ priority: PumpedSocket.Priority) -> Int {
        // From another one each turn, so that no busy socket is always before the others.
        turn &+= 1
        var received = 0
        for offset in ready.indices {
            let (socket, events) = ready[(offset + turn) % ready.count]
            // One that an earlier handler of this turn has taken out is skipped.
            if socket.priority == priority, socket.isPumped { received += socket.serve(events) }
        }
        return received
    }

    /// Waits until a socket is ready, the pump is woken or a timer is due; or only looks what is ready.
    ///
    /// - Returns: whether the wake descriptor is readable.
    func poll(mayWait: Bool) -> Bool {
        do throws(ZeroMQError) {
            try sockets.wait(milliseconds: mayWait ? millisecondsToNextDeadline() : 0)
            sockets.collectReady(into: &ready)
            return sockets.isWakeReady
        } catch {
            // The only errors are a bug of ours in the poll set or a terminated context, which we alone terminate.
            preconditionFailure("zmq_poll failed: \(error)")
        }
    }

    /// Rounded up: a turn before the deadline would find nothing to do.
    private func millisecondsToNextDeadline() -> Int {
        guard let deadline = timers.next else { return -1 }
        let now = MonotonicTime.now
        guard deadline > now else { return 0 }
        // The clock is never negative, so that this does not overflow.
        let nanoseconds = deadline.nanoseconds - now.nanoseconds
        return Int(nanoseconds / 1_000_000) + (nanoseconds % 1_000_000 > 0 ? 1 : 0)
    }
}
