import BinaryStarCore
public import CoreMetrics
public import Logging
import Synchronization
public import ZeroMQ

/// A client of a pair: sends requests to the server that is active, and follows a failover.
///
/// ```swift
/// let client = try BinaryStarClient(
///     configuration: .init(primary: "tcp://machine-a:5001", backup: "tcp://machine-b:5001"))
/// let reply = try await client.request("hello")
/// print(reply.text ?? "")
/// await client.close()
/// ```
///
/// The client stays connected to both servers, and sends all requests to the one that it believes active: the primary at
/// first. When that one refuses, says that it hands over, loses its connection, or owes a reply and is silent for the
/// attempt timeout, every request that waits is sent to the other server at once, under the same number. So a
/// request may be handled more than once: by both servers, or twice by the same one. ``Request/id`` tells, and
/// ``Delivery/once`` is for requests that must not be. A reply of a lower term than the client has seen is never taken.
///
/// With the zguide's servers, which refuse by silence and have no terms, it waits for the settle delay before it turns.
///
/// Any number of tasks may ask at the same time, from any actor.
///
/// Source: zguide, chapter 4, "Binary Star Implementation", `bstarcli`, and "Client-Side Reliability (Lazy Pirate Pattern)".
public actor BinaryStarClient {
    /// How the client was configured.
    public nonisolated let configuration: BinaryStarClientConfiguration

    nonisolated let pump: Pump
    nonisolated let logger: Logger

    /// The actor's calls run on the pump's thread.
    public nonisolated var unownedExecutor: UnownedSerialExecutor { pump.asUnownedSerialExecutor() }

    /// A server's answer.
    public struct Reply: Sendable {
        /// What the server's handler returned.
        public var body: Message
        /// Which server replied.
        public var server: Seat
        /// How often the request was sent.
        public var attempts: Int
        /// The term in which the server was active, or `nil` if it has no terms, as a zguide server.
        public var term: UInt64?

        /// The text of the body's first frame, or `nil` if there is none or it is no UTF-8.
        public var text: String? { body.text }
    }

    /// What may be done to deliver a request.
    public enum Delivery: Sendable, Hashable {
        /// It is sent until there is a reply or its time is over. It may be handled more than once.
        case atLeastOnce
        /// It is never sent again once a server may have received it. If no reply can be had then, it fails with
        /// ``BinaryStarClientError/Code/unknownOutcome``. A server that refuses has not handled it, so that it goes to the
        /// other one all the same.
        case once
    }

    // Reached by the actor's calls only, on the pump's thread; and by `deinit`, when there are no more of those.
    nonisolated(unsafe) let links = ClientLinks()
    /// From the tasks that ask.
    nonisolated let inbox = ClientInbox()
    private nonisolated let numbers = Atomic<UInt64>(0)
    private nonisolated let inboxSignal: PumpSignal
    nonisolated let broadcast = Broadcast<Event>()
    /// The configuration's, in nanoseconds: arithmetic on durations has 128 bits.
    private nonisolated let defaultTimeout: Int64
    /// Tells this client's replies from those of any other one.
    nonisolated let incarnation: UInt64

    /// What is believed of the pair, and what is to be done with each request.
    var follower: PairFollower
    /// The requests that wait for a reply, by the follower's slots.
    var requests: [PendingRequest?] = []
    /// Kept for their memory.
    var spareCommands: [ClientInbox.Command?] = []
    var spareReplied: [PendingRequest.Continuation] = []
    var rateLimitedLog = RateLimitedLog()
    /// What has been counted since the client was created, and what is told of it to the metrics backend, if there is one.
    var counts = ClientCounts()
    // Reached by the actor's calls only, and by `deinit`.
    nonisolated(unsafe) let metrics: ClientMetrics?
    var isClosed = false

    /// Creates a client, which connects with its first request.
    ///
    /// - Parameters:
    ///   - configuration: the endpoints, the times and the limits.
    ///   - pump: the thread that the client shares with others; by default it gets one of its own.
    ///   - metrics: where the metrics go, which the article <doc:Observability> lists; by default to the backend of the process.
    ///   - logger: gets at `notice` which server is followed and why, connections at `info`, and what is wrong with the
    ///     servers at `warning`. By default nothing is logged.
    /// - Throws: ``BinaryStarError`` if the configuration is not valid.
    public init(
        configuration: BinaryStarClientConfiguration,
        pump: Pump = Pump(),
        metrics: any MetricsFactory = MetricsSystem.factory,
        logger: Logger = Logger(label: "bstar.client") { _ in SwiftLogNoOpLogHandler() }
    ) throws(BinaryStarError) {
        try configuration.validate()
        self.configuration = configuration
        self.pump = pump
        self.logger = logger
        self.metrics = ClientMetrics(metrics, configuration)
        defaultTimeout = configuration.requestTimeout.wholeNanoseconds
        incarnation = .random(in: 1 ... .max)
        follower = PairFollower(configuration: configuration.follower, seed: .random(in: 0 ... .max))
        // The signal is made before the client that it calls.
        let target = WeakClient()
        inboxSignal = PumpSignal(pump: pump) { target.client?.assumeIsolated { $0.takeInbox() } }
        target.client = self
    }

    deinit {
        broadcast.finish()
        guard !links.isEmpty else { return }
        // They belong to the pump's thread, to which the signal carries them.
        nonisolated(unsafe) let links = links
        nonisolated(unsafe) let alarm = metrics?.alarm
        PumpSignal(pump: pump) { [pump] in
            links.close(in: pump.confined)
            if let alarm { pump.confined.remove(alarm) }
        }.raise()
    }

    /// Sends a request and returns the reply.
    ///
    /// While ``BinaryStarClientConfiguration/maximumInFlight`` requests are in flight, further ones wait, in the order in which
    /// they were begun, and their time runs.
    ///
    /// - Parameters:
    ///   - body: what the server's handler gets. A body without frames is sent as one empty frame.
    ///   - timeout: how long the request may take, retries and failovers included; by default the configuration's. Above zero,
    ///     at most one day. The server is told, and does not begin to handle what nobody waits for; it counts from when it reads
    ///     the request, see ``Request/timeLeft``.
    ///   - delivery: whether it may be sent again when it may have been received.
    /// - Throws: ``BinaryStarClientError``, or `CancellationError` at once when the task is cancelled.
    public nonisolated(nonsending) func request(
        _ body: Message,
        timeout: Duration? = nil,
        delivery: Delivery = .atLeastOnce
    ) async throws -> Reply {
        #if Tracing
        try await requestWithSpan(body, timeout: timeout, delivery: delivery)
        #else
        try await request(body, timeout: timeout, delivery: delivery, trace: nil)
        #endif
    }

    @inline(__always)
    nonisolated(nonsending) func request(
        _ body: Message, timeout: Duration?, delivery: Delivery, trace: [UInt8]?
    ) async throws -> Reply {
        if let timeout { try check(timeout) }
        try check(body)
        let nanoseconds = timeout?.wholeNanoseconds ?? defaultTimeout
        let request = PendingRequest(
            number: numbers.wrappingAdd(1, ordering: .relaxed).newValue, body: body.isEmpty ? Message("") : body,
            deadline: .now.advanced(by: nanoseconds), timeoutNanoseconds: nanoseconds, isOnce: delivery == .once,
            trace: trace)
        await withTaskCancellationHandler {
            await withUnsafeContinuation { submit(request, $0) }
        } onCancel: {
            inbox.cancel(request.number)
            inboxSignal.raise()
        }
        return try request.reply()
    }

    /// Hands a request over to the pump.
    ///
    /// Not inlined: what it needs on the stack would be kept in the task's memory while it waits.
    @inline(never)
    private nonisolated func submit(_ request: PendingRequest, _ continuation: PendingRequest.Continuation) {
        request.wait(with: continuation)
        switch inbox.add(request) {
        case .taken: inboxSignal.raise()
        case .cancelled: request.end(with: .failure(CancellationError()))
        case .closed: request.end(with: .failure(BinaryStarClientError.closed))
        }
    }

    private nonisolated func check(_ timeout: Duration) throws(BinaryStarClientError) {
        guard timeout > .zero else { throw .invalid("timeout", timeout, "it must be above zero") }
        guard timeout <= HeartbeatTiming.maximum else {
            throw .invalid("timeout", timeout, "it must be at most one day")
        }
    }

    private nonisolated func check(_ body: Message) throws(BinaryStarClientError) {
        let maximum = configuration.maximumBodySize
        let size = body.byteCount
        guard size <= maximum else {
            throw .invalid("body", "\(size) bytes long", "it must be at most \(maximum) (maximumBodySize)")
        }
    }

    /// Closes the client. Requests that wait for a reply fail with ``BinaryStarClientError/Code/closed``, and
    /// so does every later one.
    public func close() {
        guard inbox.close() else { return }
        // What was taken before counts as what waits.
        takeInbox()
        isClosed = true
        links.close(in: pump.confined)
        failAll(.closed)
        endMetrics()
        broadcast.finish()
    }
}

/// A client that does not exist yet when its signal is made, and need not live for it.
private final class WeakClient: Sendable {
    // Set once, before the signal can be raised; read on the pump's thread. A weak reference is atomic.
    nonisolated(unsafe) weak var client: BinaryStarClient?
}
