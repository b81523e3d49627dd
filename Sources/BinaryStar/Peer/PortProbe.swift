import CZeroMQ

/// Finds out whether the process that listened at an endpoint is gone: the host is up, and refuses connections to the port.
///
/// libzmq's events do not say why a connection failed; a connection of our own does, in a tenth of a millisecond as a rule. Since
/// it may take longer, and a name may have to be looked up, it is tried on a thread of its own.
enum PortProbe {
    private final class Attempt: Sendable {
        let endpoint: Endpoint
        let milliseconds: Int32
        let completion: @Sendable (Bool) -> Void

        init(_ endpoint: Endpoint, milliseconds: Int32, completion: @escaping @Sendable (Bool) -> Void) {
            self.endpoint = endpoint
            self.milliseconds = milliseconds
            self.completion = completion
        }
    }

    /// Calls `completion` on another thread with whether the endpoint refuses connections.
    ///
    /// - Parameter limit: how long a connection may take before the answer is no.
    static func start(_ endpoint: Endpoint, limit: Duration, completion: @escaping @Sendable (Bool) -> Void) {
        let milliseconds = Int32(clamping: max(1, limit.wholeNanoseconds / 1_000_000))
        // The thread owns the attempt.
        let attempt = Unmanaged.passRetained(Attempt(endpoint, milliseconds: milliseconds, completion: completion))
        let status = czmq_thread_start(
            { argument in
                guard let argument else { return nil }
                let attempt = Unmanaged<Attempt>.fromOpaque(argument).takeRetainedValue()
                attempt.completion(attempt.endpoint.refusesConnections(milliseconds: attempt.milliseconds))
                return nil
            }, attempt.toOpaque())
        // Without a thread there is no proof, and the timeout decides.
        if status != 0 { attempt.release() }
    }
}

extension Endpoint {
    /// Blocks until it is known.
    fileprivate func refusesConnections(milliseconds: Int32) -> Bool {
        if let (host, port) = tcpAddress { return czmq_tcp_refuses(host, port, milliseconds) == 1 }
        if let path = ipcPath { return czmq_ipc_refuses(path, milliseconds) == 1 }
        return false
    }
}
