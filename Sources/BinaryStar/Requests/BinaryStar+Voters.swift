import BinaryStarCore
import Logging
public import ZeroMQ

extension BinaryStar {
    /// Binds a socket on which clients reach this star, and whose requests are votes.
    ///
    /// A request is handled if the star's role allows it at that instant; otherwise it is dropped and counted, and the
    /// client finds the other server. A star may have several voters, and more may be added while it runs.
    ///
    /// ```swift
    /// try await star.addVoter(.router, bind: "tcp://*:5001") { request in
    ///     try await store.answer(request.body)
    /// }
    /// ```
    ///
    /// The handler runs off the star's thread, so that it may take its time. If it throws, the error is logged and counted,
    /// and the client gets no reply; so does a client to whose request it returns `nil`.
    ///
    /// - Parameters:
    ///   - type: the kind of socket.
    ///   - endpoint: `tcp://HOST:PORT`, with `*` for every address and as a port for one that the system chooses; or
    ///     `ipc://PATH`.
    ///   - limits: how many requests are handled at a time, and how large they and the queues may grow.
    ///   - handler: gets a request and returns its reply, or `nil` for none. The star keeps it until it has stopped: one
    ///     that refers to the star, in a star that is never run, keeps both for ever.
    /// - Returns: the bound endpoint, with the port that was chosen.
    /// - Throws: ``BinaryStarError`` if the endpoint or a limit is not valid, or the endpoint cannot be bound.
    ///
    /// Source: zguide, chapter 4, `bstar_voter (endpoint, type, handler)`.
    @discardableResult
    public func addVoter(
        _ type: VoterType,
        bind endpoint: String,
        limits: VoterLimits = VoterLimits(),
        handler: @escaping @Sendable (Request) async throws -> Message?
    ) throws(BinaryStarError) -> String {
        let id = nextVoterID()
        let finished = PumpSignal(pump: pump) { [weak self] in
            self?.assumeIsolated { $0.sendReplies(ofVoter: id) }
        }
        let limit = type.isSequential ? 1 : limits.concurrency
        #if Tracing
        let handler = HandlerPool.traced(configuration.seat, handler)
        #endif
        let pool = HandlerPool(limit: limit, finished: finished, handler: handler)
        return try addVoter(id, type, bind: endpoint, limits: limits, service: .pool(pool))
    }

    /// Binds a voter whose handler runs inline: on the star's own thread, without a task or a hop between threads.
    ///
    /// This is the fastest way to answer, and only for handlers that never wait: while the handler runs, the star
    /// sends no heartbeat. It has a name of its own, so that no closure gets there by having no `await` in it.
    ///
    /// - Parameters:
    ///   - type: the kind of socket.
    ///   - endpoint: as for ``addVoter(_:bind:limits:handler:)``.
    ///   - limits: as for ``addVoter(_:bind:limits:handler:)``; the concurrency is not used.
    ///   - handler: gets a request and returns its reply, or `nil` for none. It must not block.
    /// - Returns: the bound endpoint, with the port that was chosen.
    /// - Throws: ``BinaryStarError`` if the endpoint or a limit is not valid, or the endpoint cannot be bound.
    @discardableResult
    public func addInlineVoter(
        _ type: VoterType,
        bind endpoint: String,
        limits: VoterLimits = VoterLimits(),
        handler: @escaping @Sendable (Request) throws -> Message?
    ) throws(BinaryStarError) -> String {
        var service = Voter.Service.inline(handler)
        #if Tracing
        service = service.traced(configuration.seat)
        #endif
        return try addVoter(nextVoterID(), type, bind: endpoint, limits: limits, service: service)
    }

    private func addVoter(
        _ id: Int,
        _ type: VoterType,
        bind endpoint: String,
        limits: VoterLimits,
        service: Voter.Service
    ) throws(BinaryStarError) -> String {
        guard phase != .ended else { throw .stopped }
        try limits.validate()
        let checked = try Endpoint(endpoint, field: "voter", use: .bind)
        do throws(ZeroMQError) {
            let socket = try pump.confined.makeSocket(type.socketType)
            try socket.set(.maximumFrameSize, Int64(limits.maximumFrameSize))
            try socket.set(.sendHighWaterMark, Int32(limits.replyQueue))
            try socket.set(.backlog, 1_024)
            // The last replies, and the refusals that send clients to the peer, go out when the star stops.
            try socket.set(.linger, Self.lingerMilliseconds)
            if type.socketType == .router { try socket.set(.routerMandatory, 1) }
            if case .sub(let topics) = type {
                for topic in topics { try socket.set(.subscribe, topic) }
            }
            try socket.bind(checked.text)
            let bound = try socket.lastEndpoint
            let pumped = try PumpedSocket(socket, priority: .data) { [weak self] _ in
                self?.assumeIsolated { $0.drain(voter: id) }
            }
            sockets.voters[id] = Voter(
                id: id, type: type, endpoint: bound, limits: limits, service: service, pumped: pumped,
                observer: sockets.observer)
            // Before the star runs, requests wait in the socket.
            pump.confined.insert(pumped, events: phase == .running ? .readable : [])
            logger.info("voter bound", metadata: [LogKey.endpoint: "\(bound)"])
            return bound
        } catch {
            throw .unavailable("voter", error)
        }
    }

    /// Long enough for what a client reads at once; a client that does not read delays nothing but the end of the context.
    private static let lingerMilliseconds: Int32 = 200

    private func nextVoterID() -> Int {
        defer { sockets.voterCount += 1 }
        return sockets.voterCount
    }
}
