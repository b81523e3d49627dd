import BinaryStarCore
public import Logging
public import ZeroMQ

/// A client of a pair: sends requests to the server that is active, and follows a failover.
///
/// ```swift
/// let client = try BinaryStarClient(
///     configuration: .init(primary: "tcp://machine-a:5001", backup: "tcp://machine-b:5001"))
/// let reply = try await client.request("hello")
/// print(reply.body)
/// await client.close()
/// ```
///
/// Requests go to the primary first. When a server refuses, or its connection breaks, the client sends all that wait to the
/// other server at once; when a server has been silent for the attempt timeout, after the settle delay. So a request may be handled
/// more than once: by both servers, or twice by the same one. A reply of a lower term than the client has seen is never
/// taken.
///
/// Any number of requests may be in flight, from any task.
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

    // Reached by the actor's calls only, on the pump's thread; and by `deinit`, when there are no more of those.
    nonisolated(unsafe) let connection = ClientConnection()
    /// The requests that wait for a reply, and when something about them is due.
    var requests: ClientRequests
    /// Tells this client's replies from those of any other one.
    nonisolated let incarnation = UInt64.random(in: .min ... .max)
    /// The server that is believed active.
    var server = Seat.primary
    /// The highest term that a server has named: a reply of a lower one comes from a server that was superseded.
    var highestTerm: UInt64 = 0
    /// How many times in a row the client was sent from one server to the other.
    var turns = 0
    var isClosed = false

    /// Creates a client, which connects with its first request.
    ///
    /// - Parameters:
    ///   - configuration: the endpoints and the times.
    ///   - pump: the thread that the client shares with others; by default it gets one of its own.
    ///   - logger: gets failovers at `info` and what is wrong with the servers at `warning`. By default nothing is logged.
    /// - Throws: ``BinaryStarError`` if the configuration is not valid.
    public init(
        configuration: BinaryStarClientConfiguration,
        pump: Pump = Pump(),
        logger: Logger = Logger(label: "bstar.client") { _ in SwiftLogNoOpLogHandler() }
    ) throws(BinaryStarError) {
        try configuration.validate()
        self.configuration = configuration
        self.pump = pump
        self.logger = logger
        requests = ClientRequests(attemptTimeout: configuration.attemptTimeout)
    }

    deinit {
        guard !connection.isEmpty else { return }
        // It belongs to the pump's thread, to which the signal carries it.
        nonisolated(unsafe) let connection = connection
        PumpSignal(pump: pump) { [pump] in connection.close(in: pump.confined) }.raise()
    }

    /// Sends a request and returns the reply.
    ///
    /// - Parameters:
    ///   - body: what the server's handler gets. A body without frames is sent as one empty frame.
    ///   - timeout: how long the request may take, retries and failovers included; by default the configuration's.
    /// - Throws: ``BinaryStarClientError``, or `CancellationError` at once when the task is cancelled.
    public func request(_ body: Message, timeout: Duration? = nil) async throws -> Reply {
        guard !isClosed else { throw BinaryStarClientError.closed }
        let number = requests.nextNumber()
        let timeout = timeout ?? configuration.requestTimeout
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                guard !Task.isCancelled else { return continuation.resume(throwing: CancellationError()) }
                begin(number, body: body.isEmpty ? Message("") : body, timeout: timeout, continuation)
            }
        } onCancel: {
            Task { await self.cancel(number) }
        }
    }

    /// Closes the connection. Requests that wait for a reply fail with the code ``BinaryStarClientError/Code/closed``, and
    /// so does every later one.
    public func close() {
        guard !isClosed else { return }
        isClosed = true
        connection.close(in: pump.confined)
        for request in requests.removeAll(at: .now) {
            request.continuation.resume(throwing: BinaryStarClientError.closed)
        }
    }

    private func begin(
        _ number: UInt64,
        body: Message,
        timeout: Duration,
        _ continuation: CheckedContinuation<Reply, any Error>
    ) {
        guard !isClosed else { return continuation.resume(throwing: BinaryStarClientError.closed) }
        let now = MonotonicTime.now
        requests.add(
            .init(number: number, body: body, timeout: timeout, deadline: now + timeout, continuation: continuation))
        // The server may have been silent to requests that were given up since.
        resendOrTurn(at: now)
        connectIfNeeded(at: now)
        sendWhatMayGo(at: now)
    }

    private func cancel(_ number: UInt64) {
        let now = MonotonicTime.now
        guard let request = requests.remove(number, at: now) else { return }
        request.continuation.resume(throwing: CancellationError())
        gaveUp(request, at: now)
    }
}
