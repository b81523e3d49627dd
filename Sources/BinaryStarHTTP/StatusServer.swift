public import BinaryStar
import FlyingSocks
public import Logging
public import ServiceLifecycle

/// Tells by HTTP how a star does: for load balancers, for Prometheus, and on a page for people. It changes nothing.
///
/// ```swift
/// let metrics = PrometheusMetrics()
/// let star = try BinaryStar(configuration: configuration, metrics: metrics)
/// let http = try StatusServer(of: star, configuration: .init(port: 8080), metrics: metrics)
/// let group = ServiceGroup(
///     configuration: .init(
///         services: [.init(service: http, failureTerminationBehavior: .ignore), .init(service: star)],
///         gracefulShutdownSignals: [.sigterm], logger: logger))
/// try await group.run()
/// ```
///
/// With `.ignore`, trouble with HTTP does not stop the star: without it a group cancels all its services when one of
/// them fails, and then there is no handover. It is logged at `warning`.
///
/// | path | answer |
/// |---|---|
/// | `/active` | 200 while the star's lease is valid, see ``BinaryStar/Lease/isValid`` |
/// | `/passive` | 200 while the star is passive |
/// | `/health` | 200 while the star runs, its thread answers, and the application says that it can serve |
/// | `/ready` | 200 while the star takes part: active with a valid lease, or passive and able to take over |
/// | `/status` | this server and, with ``StatusServerConfiguration/peer``, the other one, as JSON |
/// | `/history` | the changes of role and term of both, as JSON |
/// | `/metrics` | the metrics, as Prometheus reads them |
/// | `/` | a page that shows the pair live |
///
/// Where it is not 200 it is 503, with a line that says why. GET, HEAD and OPTIONS are answered, and nothing else.
///
/// Put it *before* the star in a group: groups stop from the last to the first, and so it is asked until the handover
/// is done.
///
/// The sockets are FlyingFox's, from its product FlyingSocks. Its `HTTPServer` is not used, because an endpoint that
/// anybody may ask has to bound what clients take: that server (0.27) reads header fields of any length for any time,
/// takes any number of connections, answers nothing to what it cannot read, and sends the body to HEAD too.
public actor StatusServer: Service {
    /// How it was configured.
    public nonisolated let configuration: StatusServerConfiguration

    private let answer: @Sendable (Request) async -> Response
    private let logger: Logger
    private let pool: any AsyncSocketPool
    private var listener: AsyncSocket?
    private var hasRun = false
    private var rateLimitedLog = RateLimitedLog()
    private var connections: [Int: (clock: ConnectionClock, task: Task<Void, Never>)] = [:]
    private var lastConnection = 0

    /// Creates a server, which listens from ``listen()`` or ``run()`` on.
    ///
    /// - Parameters:
    ///   - star: the star to tell of, which need not run yet.
    ///   - configuration: where to listen, and the limits.
    ///   - metrics: those that the star was given; without them `/metrics` is not found.
    ///   - logger: gets at `debug` who connects, at `warning` what an operator must see. By default nothing is logged.
    /// - Throws: `BinaryStarError` if the configuration is not valid.
    public init(
        of star: BinaryStar, configuration: StatusServerConfiguration, metrics: PrometheusMetrics? = nil,
        logger: Logger = Logger(label: "bstar") { _ in SwiftLogNoOpLogHandler() }
    ) throws(BinaryStarError) {
        try self.init(
            configuration: configuration, source: StatusSource(star), metrics: metrics, logger: logger)
    }

    init(
        configuration: StatusServerConfiguration, source: StatusSource, metrics: PrometheusMetrics?, logger: Logger
    ) throws(BinaryStarError) {
        let pool: any AsyncSocketPool = .make()
        let peer = try configuration.peer.map { text throws(BinaryStarError) -> PeerView in
            let url = try PeerURL(text), fetch = PeerFetch(of: url, pool: pool)
            return PeerView(of: url) { try await fetch.json($0) }
        }
        let responder = Responder(source: source, metrics: metrics, peer: peer)
        try self.init(configuration: configuration, pool: pool, logger: logger) { await responder.answer($0) }
    }

    init(
        configuration: StatusServerConfiguration, pool: any AsyncSocketPool = .make(), logger: Logger,
        answer: @escaping @Sendable (Request) async -> Response
    ) throws(BinaryStarError) {
        try configuration.validate()
        self.configuration = configuration
        self.pool = pool
        self.logger = logger
        self.answer = answer
    }

    /// Binds the address, so that a port in use is told before the star runs. Clients wait until the server runs.
    ///
    /// - Returns: `HOST:PORT` with the port that the system chose, if it had to.
    /// - Throws: `BinaryStarError` with the code `endpointUnavailable` if the address cannot be bound.
    @discardableResult
    public func listen() throws -> String {
        if let name = listener?.socket.localName { return name }
        let text = "\(configuration.host):\(configuration.port)"
        do {
            guard let address = ListeningAddress(host: configuration.host, port: configuration.port) else {
                throw SocketError.unsupportedAddress
            }
            let socket = try address.makeListener()
            do { listener = try AsyncSocket(socket: socket, pool: pool) } catch {
                try? socket.close()
                throw error
            }
            return socket.localName ?? text
        } catch {
            throw BinaryStarError(.endpointUnavailable, "cannot listen for HTTP at \(text): \(Self.reason(error))")
        }
    }

    /// Answers until the task is cancelled, or the service group shuts down gracefully. By then every connection has
    /// ended, and the port is free. A server runs once.
    ///
    /// - Throws: `BinaryStarError` with the code `endpointUnavailable` if the address cannot be bound, and with
    ///   `alreadyRan` if the server ran before, with `socketFailed` if the system lets nobody wait for sockets any
    ///   more.
    public func run() async throws {
        do { try await serve() } catch {
            // A group that goes on without this service does not tell what it threw.
            logger.warning("nothing is told by HTTP any more", metadata: [LogKey.error: "\(error)"])
            throw error
        }
    }

    private func serve() async throws {
        guard !hasRun else { throw BinaryStarError(.alreadyRan, "run() was called before; create a new StatusServer") }
        hasRun = true
        let address = try listen()
        guard let listener else { return }
        do { try await pool.prepare() } catch {
            close()
            throw ended(by: error)
        }
        logger.info("answering by HTTP", metadata: [LogKey.endpoint: "\(address)"])
        let polling = Task { [pool] in try await pool.run() }
        var failure: (any Error)?
        do {
            try await cancelWhenGracefulShutdown { try await self.accept(listener) }
        } catch is CancellationError {
            // Also when the pool lets nobody wait any more.
            if !Task.isCancelled, !Task.isShuttingDownGracefully { failure = SocketError.disconnected }
        } catch {
            failure = error
        }
        close()
        await endConnections(atOnce: Task.isCancelled)
        // Last, since it is what wakes the connections.
        polling.cancel()
        _ = await polling.result
        if let failure { throw ended(by: failure) }
    }

    /// Frees the port.
    private func close() {
        try? listener?.close()
        listener = nil
    }

    // A server that listened and never ran holds its port.
    deinit { try? listener?.close() }

    private func ended(by failure: any Error) -> BinaryStarError {
        BinaryStarError(.socketFailed, "the HTTP server has ended: \(Self.reason(failure))")
    }

    private func accept(_ listener: AsyncSocket) async throws {
        while !Task.isCancelled {
            let socket: AsyncSocket
            do { socket = try await listener.accept() } catch let error as SocketError {
                try Task.checkCancellation()
                // Such as too many open files, or a client that went away while it waited.
                rateLimitedLog.warning(
                    "cannot accept an HTTP client", to: logger, at: .now,
                    metadata: [LogKey.error: "\(Self.reason(error))"])
                try await Task.sleep(for: .milliseconds(100))
                continue
            }
            socket.socket.prepare()
            do { try await makeRoom() } catch {
                try? socket.close()
                throw error
            }
            add(socket)
        }
    }

    /// How many clients are connected.
    var connectionCount: Int { connections.count }
    /// Whether a client waits for the place of one that is being answered.
    private(set) var awaitsRoom = false

    private func add(_ socket: AsyncSocket) {
        lastConnection += 1
        let id = lastConnection
        let clock = ConnectionClock(within: configuration.requestTimeout)
        let connection = Connection(socket, configuration, clock: clock, answer: answer)
        logger.debug("HTTP client connected", metadata: [LogKey.connection: "\(id)"])
        connections[id] = (
            clock,
            Task {
                await connection.run()
                connections[id] = nil
            }
        )
    }

    /// Lets a client go if there are as many as there may be: the one that has been silent for longest, or else the one
    /// that has taken nothing of its answer for longest. While all of them are being answered it waits for any of them.
    private func makeRoom() async throws {
        defer { awaitsRoom = false }
        while connections.count >= configuration.maximumConnections {
            if let task = silent ?? deaf {
                task.cancel()
                await task.value
            } else {
                awaitsRoom = true
                // Now and then, since a client that stops to take its answer gives no sign of that.
                try await Task.sleep(for: .milliseconds(20))
            }
        }
    }

    private var silent: Task<Void, Never>? {
        let waiting = connections.values.compactMap { connection in
            connection.clock.waitingSince.map { (since: $0, task: connection.task) }
        }
        return waiting.min { $0.since < $1.since }?.task
    }

    private var deaf: Task<Void, Never>? {
        let limit = ContinuousClock.now - min(configuration.requestTimeout, Self.deafness)
        let unread = connections.values.compactMap { connection in
            connection.clock.unreadSince.map { (since: $0, task: connection.task) }
        }
        return unread.filter { $0.since < limit }.min { $0.since < $1.since }?.task
    }

    /// How long a client may take nothing of its answer while others wait for its place.
    private static let deafness = Duration.seconds(1)

    /// Has answers that are on their way arrive, unless it must be at once, and ends the connections.
    private func endConnections(atOnce: Bool) async {
        for connection in connections.values {
            connection.clock.stop()
            if atOnce || connection.clock.waitingSince != nil { connection.task.cancel() }
        }
        for connection in connections.values { await connection.task.value }
    }

    private static func reason(_ error: any Error) -> String {
        if case .failed(_, _, let message)? = error as? SocketError { message } else { "\(error)" }
    }
}
