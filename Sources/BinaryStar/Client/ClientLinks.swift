import BinaryStarCore
import ZeroMQ

/// What a client's pump watches: a socket to each server, and the alarm. Used on the pump's thread only.
final class ClientLinks {
    /// The connection to one server.
    final class Link {
        let socket: PumpedSocket
        /// Tells when the connection is complete, and when it breaks.
        let monitor: PumpedSocket
        /// Whether it is complete, as far as the monitor has told.
        var isComplete = false

        init(socket: PumpedSocket, monitor: PumpedSocket) {
            self.socket = socket
            self.monitor = monitor
        }
    }

    private var servers = Both<Link?>(primary: nil, backup: nil)
    var timer: PumpTimer?
    /// Streams beside the requests.
    var ports: [Int: FollowedPort] = [:]
    private var portCount = 0

    func nextPortID() -> Int {
        portCount += 1
        return portCount
    }

    subscript(seat: Seat) -> Link? {
        get { servers[seat] }
        set { servers[seat] = newValue }
    }

    var isEmpty: Bool { servers.primary == nil && servers.backup == nil && timer == nil && ports.isEmpty }

    /// Closes a socket; what it had not sent is dropped.
    func close(_ seat: Seat, in loop: PumpLoop) {
        guard let link = self[seat] else { return }
        // Before the monitor is closed: libzmq waits for one that nobody reads.
        link.socket.socket.stopMonitor()
        loop.remove(link.monitor)
        loop.remove(link.socket)
        self[seat] = nil
    }

    func close(in loop: PumpLoop) {
        for seat in Seat.allCases { close(seat, in: loop) }
        for port in ports.values { port.close(in: loop) }
        ports = [:]
        if let timer { loop.remove(timer) }
        timer = nil
    }
}
