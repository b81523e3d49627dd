import CZeroMQ
import ZeroMQ

/// A star's end of its control socket: a Unix socket that only the server's own user can reach. Used on the pump's thread only.
final class ControlPort {
    let pumped: PumpedSocket
    let path: String
    /// A message whose memory the next receive may use.
    var spare: Message?
    /// How many requests are being answered.
    var inFlight = 0
    /// Which file it is, so that another one that has taken its place is left alone.
    private let file: czmq_file_id

    /// How many requests are answered at a time; further ones wait in their clients.
    static let concurrency = 16
    /// A request is a small object.
    private static let longestRequest: Int64 = 4 << 10
    /// What a client that does not read may have waiting.
    private static let queueLength: Int32 = 32
    private static let lingerMilliseconds: Int32 = 200

    /// Listens. The file is only made known to libzmq when it has its mode, and nobody can connect before that.
    ///
    /// A file that a server which was killed has left is replaced; one at which somebody listens is not.
    init(
        _ endpoint: Endpoint, in loop: PumpLoop, onMessage: @escaping () -> Void
    ) throws(BinaryStarError) {
        guard let path = endpoint.ipcPath else { preconditionFailure("the endpoint was checked to be ipc") }
        self.path = path
        do throws(ZeroMQError) {
            let socket = try loop.makeSocket(.router)
            try socket.set(.maximumFrameSize, Self.longestRequest)
            try socket.set(.sendHighWaterMark, Self.queueLength)
            try socket.set(.receiveHighWaterMark, Self.queueLength)
            try socket.set(.linger, Self.lingerMilliseconds)
            try socket.set(.routerMandatory, 1)
            var descriptor: Int32 = -1
            var file = czmq_file_id()
            let code = czmq_ipc_listen(path, &descriptor, &file)
            guard code == 0 else { throw ZeroMQError("bind", endpoint.text, code: code) }
            self.file = file
            // libzmq has it from here on, and closes it.
            try socket.set(.descriptor, descriptor)
            try socket.bind(endpoint.text)
            pumped = try PumpedSocket(socket, priority: .data) { _ in onMessage() }
        } catch {
            throw Self.unavailable(error)
        }
    }

    private static func unavailable(_ error: ZeroMQError) -> BinaryStarError {
        let advice =
            switch error.code {
            case ENOTSOCK: "; something that is no socket is there: choose another path"
            case EACCES, EPERM: "; the folder, or a socket that is there, belongs to another user: choose another path"
            case ENOENT: "; the folder does not exist: make it"
            default: ""
            }
        guard !advice.isEmpty else { return .unavailable("control", error) }
        return BinaryStarError(.endpointUnavailable, "control: cannot \(error)\(advice)", underlying: error)
    }

    /// Closes the socket, and removes the file.
    func close(in loop: PumpLoop) {
        // The file first: whoever starts then finds the path free.
        czmq_ipc_remove(path, file)
        loop.remove(pumped)
    }
}
