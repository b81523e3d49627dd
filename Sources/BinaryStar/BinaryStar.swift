import BinaryStarCore
public import CoreMetrics
import DequeModule
public import Logging
public import ServiceLifecycle
import ZeroMQ

/// One server of a highly available pair.
///
/// Two servers form a pair. At any time one of them, the active, serves clients; the other, the passive, watches it, and
/// takes over when it has been silent for the timeout *and* a client asks for service.
///
/// ```swift
/// let star = try BinaryStar(
///     configuration: .init(seat: .primary, listen: "tcp://*:5003", connect: "tcp://other-machine:5004"),
///     logger: logger
/// )
/// try await star.addVoter(.router, bind: "tcp://*:5001") { request in request.body }
/// try await star.run()
/// ```
///
/// The actor runs on a ``Pump``: a thread that waits for ZeroMQ's sockets and runs the actor's calls. Handlers and
/// everything else of the application run elsewhere, so that nothing the application does delays a heartbeat.
///
/// Source: zguide, chapter 4, "Binary Star Reactor".
public actor BinaryStar: Service {
    /// How the star was configured.
    public nonisolated let configuration: BinaryStarConfiguration

    nonisolated let pump: Pump
    nonisolated let logger: Logger
    /// Asked for once, because asking a logger takes time that counts at each request.
    nonisolated let logsTrace: Bool

    /// The actor's calls run on the pump's thread.
    public nonisolated var unownedExecutor: UnownedSerialExecutor { pump.asUnownedSerialExecutor() }

    /// Whether the star has not run yet, runs, or has stopped for good.
    enum Phase {
        case idle, running, ended
    }

    var phase = Phase.idle
    var member: PairMember
    // Reached by the actor's calls only, on the pump's thread; and by `deinit`, when there are no more of those.
    nonisolated(unsafe) let sockets = StarSockets()
    var rateLimitedLog = RateLimitedLog()
    /// Counters since the star was created.
    public internal(set) var statistics = Statistics()
    /// What is told to the metrics backend, if there is one.
    var metrics: StarMetrics?

    /// Why ``run()`` must return, once it must, and how it learns of that.
    var end: Result<Void, BinaryStarError>?
    var endContinuation: CheckedContinuation<Void, Never>?

    /// From the state machine to the application.
    nonisolated let changes: AsyncStream<RoleChange>
    nonisolated let changesContinuation: AsyncStream<RoleChange>.Continuation
    nonisolated let activeScope = ActiveScope()
    nonisolated let roleBroadcast: Broadcast<Role>
    nonisolated let changeBroadcast = Broadcast<RoleChange>()

    /// Whether the star is active, lock-free and from any thread.
    public nonisolated let lease = Lease()

    /// Requests that the state machine has not decided about yet.
    var held = HeldRequests()
    /// Since when the member is suspect, as far as the latest event has shown.
    var suspectSince: MonotonicTime?
    /// What the log was last told of the peer.
    var hearing = PeerHearing.awaited
    /// Since when every answer of the peer's has taken longer than a lease.
    var slowSince: MonotonicTime?
    /// The latest change of role or term.
    var lastChange: RoleChange?
    /// The latest changes, of earlier lives too.
    var records: Deque<TransitionRecord>
    /// When ``run()`` began.
    var startedAt: MonotonicTime?
    /// Whether the application says that this server can serve.
    package internal(set) var isFit = true
    /// Whether an operator has taken this server out of service, see ``drain()``.
    public internal(set) var isDrained = false
    /// Who waits for what the star is about to do.
    var waiters = Waiters()
    /// The changes of this life and of earlier ones.
    nonisolated let transitionLog: TransitionLog?
    /// What the application says of its own state.
    nonisolated let health: (@Sendable () async -> Bool)?

    /// Creates a server of a pair, which does nothing until ``run()`` is called.
    ///
    /// - Parameters:
    ///   - configuration: the seat, the endpoints and the timing.
    ///   - pump: the thread that the star shares with others; by default it gets one of its own.
    ///   - health: is asked once an interval whether this server can serve. An active server that cannot hands over if its peer
    ///     can serve; a passive one does not take over. An answer that takes longer than the timeout is a no.
    ///   - metrics: where the metrics go, which the article <doc:Observability> lists; by default to the backend of the process.
    ///   - logger: gets role changes at `info`, what an operator must see at `warning`, and at `trace` every event with
    ///     the role and the outcome. By default nothing is logged.
    /// - Throws: ``BinaryStarError`` if the configuration is not valid.
    public init(
        configuration: BinaryStarConfiguration,
        pump: Pump = Pump(),
        health: (@Sendable () async -> Bool)? = nil,
        metrics: any MetricsFactory = MetricsSystem.factory,
        logger: Logger = Logger(label: "bstar") { _ in SwiftLogNoOpLogHandler() }
    ) throws(BinaryStarError) {
        try configuration.validate()
        self.configuration = configuration
        self.pump = pump
        var logger = logger
        logger[metadataKey: LogKey.seat] = "\(configuration.seat)"
        self.logger = logger
        logsTrace = logger.logLevel <= .trace
        self.health = health
        self.metrics = StarMetrics(metrics, configuration)
        if let directory = configuration.stateDirectory {
            transitionLog = try TransitionLog(directory: directory, name: "\(configuration.seat)")
        } else {
            transitionLog = nil
        }
        records = Deque(transitionLog?.records ?? [])
        member = Self.makeMember(configuration, log: transitionLog)
        roleBroadcast = Broadcast(initial: configuration.seat.initialRole)
        (changes, changesContinuation) = AsyncStream.makeStream()
    }

    /// A star that is let go without having run to its end gives its sockets back.
    // Not an isolated one: with that the compiler (6.3) fails to optimise code that uses the actor ("circular reference").
    deinit {
        changesContinuation.finish()
        roleBroadcast.finish()
        changeBroadcast.finish()
        guard !sockets.isEmpty else { return }
        // They belong to the pump's thread, to which the signal carries them.
        nonisolated(unsafe) let sockets = sockets
        PumpSignal(pump: pump) { [pump] in sockets.close(in: pump.confined) }.raise()
    }

    static func makeMember(_ configuration: BinaryStarConfiguration, log: TransitionLog?) -> PairMember {
        PairMember(
            configuration: configuration.member, incarnation: .random(in: 1 ... .max),
            termFloor: max(WallClock.milliseconds, log?.highestTerm ?? 0), now: .now)
    }

    /// The role at this moment, as the state machine has it. ``roles`` announces it a little later, when the application's
    /// work for the role before has ended.
    public var role: Role { member.role }
}
