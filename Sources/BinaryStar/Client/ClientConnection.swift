import BinaryStarCore
import ZeroMQ

/// What a client's pump watches: the socket to one server, and the alarm. Used on the pump's thread only.
final class ClientConnection {
    var socket: PumpedSocket?
    /// Tells when the connection breaks.
    var monitor: PumpedSocket?
    var timer: PumpTimer?
    /// Until when the client waits before it connects to the other server.
    var settlesAt: MonotonicTime?

    var isEmpty: Bool { socket == nil && timer == nil }

    /// Closes the socket; what it had not sent is dropped.
    func disconnect(in loop: PumpLoop) {
        // Before the monitor is closed: libzmq waits for one that nobody reads.
        socket?.socket.stopMonitor()
        if let monitor { loop.remove(monitor) }
        if let socket { loop.remove(socket) }
        (monitor, socket) = (nil, nil)
    }

    func close(in loop: PumpLoop) {
        disconnect(in: loop)
        if let timer { loop.remove(timer) }
        timer = nil
        settlesAt = nil
    }
}
