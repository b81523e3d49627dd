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
        if let monitor { loop.remove(monitor) }
        monitor = nil
        if let socket {
            socket.socket.stopMonitor()
            loop.remove(socket)
        }
        socket = nil
    }

    func close(in loop: PumpLoop) {
        disconnect(in: loop)
        if let timer { loop.remove(timer) }
        timer = nil
        settlesAt = nil
    }
}
