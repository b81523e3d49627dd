import BinaryStarCore
import CZeroMQ
import ZeroMQ

/// Asks a star by its control socket, as `bstar status` and `bstar switchover` do.
///
/// ```swift
/// let control = try ControlClient("ipc:///run/bstar/primary.sock")
/// print(try await control.status().role)
/// try await control.stepDown()
/// await control.close()
/// ```
///
/// Several requests may be on their way at a time. A client whose server went away connects again with the next request.
public actor ControlClient {
    /// Where the server listens.
    public nonisolated let endpoint: String

    nonisolated let pump: Pump
    /// The actor's calls run on the pump's thread.
    public nonisolated var unownedExecutor: UnownedSerialExecutor { pump.asUnownedSerialExecutor() }

    private let path: String
    // Reached by the actor's calls only, on the pump's thread; and by `deinit`, when there are no more of those.
    private nonisolated(unsafe) let link = ControlLink()
    private var waiting: [UInt64: CheckedContinuation<ControlResponse, any Error>] = [:]
    private var lastID: UInt64 = 0
    private var isClosed = false

    /// How long a command may take that the server does at once.
    private nonisolated let patience: Duration

    /// - Parameters:
    ///   - endpoint: `ipc://PATH`, as in the server's ``BinaryStarConfiguration/control``. Nobody needs to listen there yet.
    ///   - pump: the thread to use; by default the client gets one of its own.
    /// - Throws: ``BinaryStarError`` if the endpoint is not valid.
    public init(_ endpoint: String, pump: Pump = Pump(name: "bstar-control")) throws(BinaryStarError) {
        try self.init(endpoint, pump: pump, patience: .seconds(5))
    }

    /// With another patience, for whoever shares the processor with hundreds of tests.
    package init(
        _ endpoint: String, pump: Pump = Pump(name: "bstar-control"), patience: Duration
    ) throws(BinaryStarError) {
        self.patience = patience
        guard let path = try Endpoint(control: endpoint).ipcPath else { throw .stopped }
        self.endpoint = endpoint
        self.path = path
        self.pump = pump
    }

    deinit {
        guard !link.isEmpty else { return }
        nonisolated(unsafe) let link = link
        PumpSignal(pump: pump) { [pump] in link.close(in: pump.confined) }.raise()
    }

    // MARK: Commands

    /// What there is to know of the server. All commands fail with a ``ControlError``, or with `CancellationError`.
    public func status() async throws -> BinaryStar.Status { try await send(.status) }

    /// The latest changes of role and term, oldest first.
    ///
    /// - Parameter limit: how many at most; `nil` for all that the server has.
    public func history(limit: Int? = nil) async throws -> [TransitionRecord] {
        let response = try await response(to: ControlRequest(.history, limit: limit), within: patience)
        guard let history = response.history else { throw ControlError(.badResponse, "the response has no history") }
        return history
    }

    /// Has the server hand over to its peer, and returns when that is done. See ``BinaryStar/BinaryStar/stepDown()``.
    ///
    /// - Parameter timeout: how long to wait: at least the server's drain timeout and twice its timeout.
    @discardableResult
    public func stepDown(timeout: Duration = .seconds(60)) async throws -> BinaryStar.Status {
        try await send(.stepDown, within: timeout)
    }

    /// Makes the server active, if its peer is gone. See ``BinaryStar/BinaryStar/promote()``.
    @discardableResult
    public func promote() async throws -> BinaryStar.Status { try await send(.promote) }

    /// Suspends automatic failover. See ``BinaryStar/BinaryStar/pause()``.
    @discardableResult
    public func pause() async throws -> BinaryStar.Status { try await send(.pause) }

    /// Ends ``pause()`` and ``drain(timeout:)``.
    @discardableResult
    public func resume() async throws -> BinaryStar.Status { try await send(.resume) }

    /// Takes the server out of service, and returns when that is done. See ``BinaryStar/BinaryStar/drain()``.
    @discardableResult
    public func drain(timeout: Duration = .seconds(60)) async throws -> BinaryStar.Status {
        try await send(.drain, within: timeout)
    }

    private func send(
        _ command: ControlCommand, within timeout: Duration? = nil
    ) async throws -> BinaryStar.Status {
        let response = try await response(to: ControlRequest(command), within: timeout ?? patience)
        guard let status = response.status else { throw ControlError(.badResponse, "the response has no status") }
        return status
    }

    // MARK: Requests

    /// Sends a request, and returns the response to it. The request gets a number of the client's.
    ///
    /// - Throws: ``ControlError``: the server's, or ``ControlError/Code/unreachable``, ``ControlError/Code/timedOut`` and others of
    ///   the client's own; `CancellationError`.
    public func response(to request: ControlRequest, within timeout: Duration) async throws -> ControlResponse {
        lastID += 1
        let id = lastID
        let timer = PumpTimer { [weak self] _ in
            self?.assumeIsolated {
                $0.end(id, throwing: ControlError(.timedOut, "no answer from \($0.endpoint) within \(timeout)"))
            }
        }
        timer.deadline = .now + timeout
        pump.confined.insert(timer)
        defer { pump.confined.remove(timer) }
        let response = try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation {
                (continuation: CheckedContinuation<ControlResponse, any Error>) in
                // Sent here and not before: the call may let other work of the actor in between, such as the response.
                guard !Task.isCancelled else { return continuation.resume(throwing: CancellationError()) }
                do {
                    try send(request, id)
                    waiting[id] = continuation
                } catch {
                    continuation.resume(throwing: error)
                }
            }
        } onCancel: {
            Task { await self.end(id, throwing: CancellationError()) }
        }
        if let error = response.error { throw error }
        return response
    }

    private func send(_ request: ControlRequest, _ id: UInt64) throws {
        guard !isClosed else { throw ControlError(.closed, "the control client is closed; make a new one") }
        try connect()
        var request = request
        request.id = id
        var message = Message(try JSON(encoding: request).text)
        guard case .sent? = try link.socket?.send(&message) else {
            throw ControlError(.unreachable, "\(endpoint) takes no more requests; try again later")
        }
    }

    private func end(_ id: UInt64, throwing error: any Error) {
        waiting.removeValue(forKey: id)?.resume(throwing: error)
    }

    /// Closes the socket. Requests that wait fail.
    public func close() {
        isClosed = true
        disconnect(because: ControlError(.closed, "the control client was closed"))
    }

    // MARK: The connection

    private func connect() throws {
        guard link.isEmpty else { return }
        // libzmq would go on to try; whoever asks wants to know.
        let code = czmq_ipc_unreachable(path)
        guard code == 0 else { throw ControlError(.unreachable, Self.explain(code, endpoint)) }
        try link.open(endpoint, in: pump.confined) { [weak self] in
            self?.assumeIsolated { $0.receive() }
        } onLoss: { [weak self] in
            self?.assumeIsolated { $0.lost() }
        }
    }

    private static func explain(_ code: Int32, _ endpoint: String) -> String {
        switch code {
        case ENOENT: "nobody listens at \(endpoint): no server runs with this control socket"
        case ECONNREFUSED: "nobody listens at \(endpoint): the server that made it was killed, or runs no more"
        case EACCES, EPERM: "\(endpoint) is another user's: run this as the user of the server"
        default: "cannot connect to \(endpoint): \(ZeroMQError("connect", code: code).reason)"
        }
    }

    private func receive() {
        while let socket = link.socket, let message = (try? socket.receive()) ?? nil {
            guard let bytes = message.last?.bytes, let json = try? JSON(parsing: bytes),
                let response = try? json.decode(ControlResponse.self),
                response.version == ControlRequest.currentVersion, let id = response.id
            else {
                // It answers something; that is all there is to know.
                let error = ControlError(
                    .badResponse,
                    "what \(endpoint) answers is not version 1 of the protocol; use the server's own bstar")
                disconnect(because: error)
                return
            }
            waiting.removeValue(forKey: id)?.resume(returning: response)
        }
    }

    private func lost() {
        receive()
        disconnect(because: ControlError(.unreachable, "the server at \(endpoint) went away before it answered"))
    }

    private func disconnect(because error: ControlError) {
        link.close(in: pump.confined)
        let waiters = waiting
        waiting = [:]
        for waiter in waiters.values { waiter.resume(throwing: error) }
    }
}

/// A control client's socket and its monitor. Used on the pump's thread only.
private final class ControlLink {
    private(set) var socket: PumpedSocket?
    private var monitor: PumpedSocket?

    var isEmpty: Bool { socket == nil }

    func open(
        _ endpoint: String, in loop: PumpLoop, onMessage: @escaping () -> Void, onLoss: @escaping () -> Void
    ) throws(ZeroMQError) {
        let socket = try loop.makeSocket(.dealer)
        // Above what a thousand records take.
        try socket.set(.maximumFrameSize, 16 << 20)
        let monitor = try PumpedSocket(loop.startMonitor(of: socket, .disconnected), priority: .control) {
            [weak self] _ in
            while let message = (try? self?.monitor?.receive()) ?? nil {
                if MonitorEvent(message)?.kind == .disconnected { onLoss() }
            }
        }
        try socket.connect(endpoint)
        let pumped = try PumpedSocket(socket, priority: .data) { _ in onMessage() }
        loop.insert(monitor, events: .readable)
        loop.insert(pumped, events: .readable)
        self.monitor = monitor
        self.socket = pumped
    }

    func close(in loop: PumpLoop) {
        socket?.socket.stopMonitor()
        if let monitor { loop.remove(monitor) }
        if let socket { loop.remove(socket) }
        (socket, monitor) = (nil, nil)
    }
}
