import BinaryStarCore
import ZeroMQ

/// Waits until libzmq has closed listeners, so that their endpoints can be bound again. Used on the pump's thread only.
///
/// libzmq closes a listener on its I/O thread, and says only through a monitor when it has. The handlers of the monitors and
/// of the timer keep this object alive until the end.
final class ListenerClosing {
    private let loop: PumpLoop
    private var pending: [Pending] = []
    private var timer: PumpTimer?
    private var completion: ((Bool) -> Void)?

    /// A listening socket that was told to stop.
    private final class Pending {
        let listener: PumpedSocket
        var monitor: PumpedSocket?
        /// How many of its endpoints are not closed yet.
        var openCount: Int

        init(listener: PumpedSocket, openCount: Int) {
            self.listener = listener
            self.openCount = openCount
        }
    }

    /// libzmq takes well below a millisecond.
    private static let patience = Duration.seconds(2)

    init(loop: PumpLoop) {
        self.loop = loop
    }

    /// Unbinds `endpoints` of `listener`.
    func close(_ listener: PumpedSocket, endpoints: [String]) throws(ZeroMQError) {
        let socket = try loop.startMonitor(of: listener.socket, [.closed, .closeFailed])
        let entry = Pending(listener: listener, openCount: endpoints.count)
        let monitor = try PumpedSocket(socket, priority: .control) { [unowned entry] _ in self.read(entry) }
        entry.monitor = monitor
        loop.insert(monitor, events: .readable)
        pending.append(entry)
        do throws(ZeroMQError) {
            for endpoint in endpoints { try listener.socket.unbind(endpoint) }
        } catch {
            remove(entry)
            throw error
        }
    }

    private func read(_ entry: Pending) {
        // An error means that nothing more comes from this monitor.
        while entry.openCount > 0, let message = try? entry.monitor?.receive() {
            if MonitorEvent(message) != nil { entry.openCount -= 1 }
        }
        if entry.openCount == 0 { remove(entry) }
        if pending.isEmpty { complete(true) }
    }

    private func remove(_ entry: Pending) {
        entry.listener.socket.stopMonitor()
        if let monitor = entry.monitor { loop.remove(monitor) }
        pending.removeAll { $0 === entry }
    }

    /// Calls `completion` when all listeners are closed: with true, or with false if that took too long.
    func finish(_ completion: @escaping (Bool) -> Void) {
        guard !pending.isEmpty else { return completion(true) }
        self.completion = completion
        let timer = PumpTimer { _ in self.complete(false) }
        timer.deadline = .now + Self.patience
        loop.insert(timer)
        self.timer = timer
    }

    private func complete(_ inTime: Bool) {
        if let timer { loop.remove(timer) }
        timer = nil
        for entry in pending { remove(entry) }
        completion.take()?(inTime)
    }
}
