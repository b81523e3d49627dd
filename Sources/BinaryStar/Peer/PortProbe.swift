import BinaryStarCore
import CZeroMQ

/// Finds out whether the process that listened at an endpoint is gone: the host is up, and refuses connections to the port.
///
/// libzmq's events do not say why a connection failed; a connection of our own does, in a tenth of a millisecond as a rule. Since
/// it may take longer, and a name may have to be looked up, it is tried on a thread of its own.
enum PortProbe {
    fileprivate final class Attempt: Sendable {
        let endpoints: [Endpoint]
        let limit: Duration
        let finished: @Sendable (Verdict) -> Void

        init(_ endpoints: [Endpoint], limit: Duration, finished: @escaping @Sendable (Verdict) -> Void) {
            self.endpoints = endpoints
            self.limit = limit
            self.finished = finished
        }
    }

    /// What was found out.
    enum Verdict: Sendable {
        /// Every endpoint refuses connections, as of the instant at which they were asked: an answer that comes late, after a
        /// stall, proves nothing of the present.
        case refused(MonotonicTime)
        case unknown
    }

    /// Calls `finished` once, on another thread, within about `limit`.
    ///
    /// A process that ends closes its connections and its listeners one after the other: it is asked again until the limit.
    static func start(
        _ endpoints: [Endpoint],
        limit: Duration,
        finished: @escaping @Sendable (Verdict) -> Void
    ) {
        // The thread owns the attempt.
        let attempt = Unmanaged.passRetained(Attempt(endpoints, limit: limit, finished: finished))
        let status = czmq_thread_start(
            { argument in
                guard let argument else { return nil }
                let attempt = Unmanaged<Attempt>.fromOpaque(argument).takeRetainedValue()
                attempt.run()
                return nil
            }, attempt.toOpaque())
        // Without a thread there is no proof, and the timeout decides.
        guard status != 0 else { return }
        attempt.release()
        finished(.unknown)
    }
}

extension PortProbe.Attempt {
    private static let shortestPause = Duration.milliseconds(1)

    fileprivate func run() {
        let end = MonotonicTime.now + limit
        var pause = Self.shortestPause
        while true {
            let asked = MonotonicTime.now
            guard asked < end else { return finished(.unknown) }
            let patience = Int32(clamping: limit.wholeNanoseconds / 1_000_000)
            if endpoints.allSatisfy({ $0.refusesConnections(milliseconds: patience) }) {
                return finished(.refused(asked))
            }
            usleep(UInt32(clamping: pause.wholeNanoseconds / 1_000))
            pause = pause * 2
        }
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
