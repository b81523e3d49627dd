import BinaryStarCore
import CZeroMQ

/// Whether anything accepts connections at an endpoint, for somebody who looks for the reason of a silence.
package enum Reachability: Sendable, Hashable {
    /// Something accepts them.
    case reached
    /// The machine is there, and refuses.
    case refused
    /// Nothing came back in time.
    case noAnswer
    /// The host's name is not known.
    case noName
    /// The system said something else.
    case failed(String)

    /// Tries to connect, and closes the connection again. Blocks, at most for about `limit` for each address of the host.
    package init(of text: String, limit: Duration) throws(BinaryStarError) {
        let endpoint = try Endpoint(text, field: "endpoint", use: .connect)
        let code: Int32
        if let path = endpoint.ipcPath {
            code = czmq_ipc_unreachable(path)
        } else if let (host, port) = endpoint.tcpAddress {
            code = czmq_tcp_unreachable(host, port, Int32(clamping: limit.wholeNanoseconds / 1_000_000))
        } else {
            code = 0
        }
        switch code {
        case 0: self = .reached
        case -1: self = .noName
        case ECONNREFUSED, ENOENT: self = .refused
        case ETIMEDOUT: self = .noAnswer
        default: self = .failed(String(cString: strerror(code)))
        }
    }
}
