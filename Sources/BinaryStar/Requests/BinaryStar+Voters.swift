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
    ///   - handler: gets a request and returns its reply, or `nil` for none.
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
        try addVoter(nextVoterID(), type, bind: endpoint, limits: limits, service: .inline(handler))
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
            if type.socketType == .router { try socket.set(.routerMandatory, 1) }
            if case .sub(let topics) = type {
                for topic in topics { try socket.set(.subscribe, topic) }
            }
            try socket.bind(checked.text)
            let bound = try socket.lastEndpoint
            let pumped = PumpedSocket(socket, priority: .data) { [weak self] _ in
                self?.assumeIsolated { $0.drain(voter: id) }
            }
            sockets.voters[id] = Voter(type: type, endpoint: bound, limits: limits, service: service, pumped: pumped)
            // Before the star runs, requests wait in the socket.
            pump.confined.insert(pumped, events: phase == .running ? .readable : [])
            logger.info("voter bound", metadata: [LogKey.endpoint: "\(bound)"])
            return bound
        } catch {
            throw .unavailable("voter", error)
        }
    }

    private func nextVoterID() -> Int {
        defer { sockets.voterCount += 1 }
        return sockets.voterCount
    }

    // MARK: Requests in

    /// What one pass over a voter's messages keeps. In a local variable, because access to the actor's own state is checked
    /// for exclusivity each time.
    private struct Pass {
        /// A message whose memory the next receive may use.
        var spare: Message?
        /// Who answers on the pump, if it is so.
        var inlineHandler: Voter.InlineHandler?
        /// Whether the socket has no more messages now.
        var isDry = false
        /// Admitted requests for the pool.
        var batch: [Request] = []
        var admitted = 0
        var refused = 0
        var replied = 0
    }

    private func finish(_ pass: consuming Pass, of voter: Voter) {
        voter.spare = pass.spare
        statistics.requestsAdmitted += pass.admitted
        statistics.requestsRefused += pass.refused
        statistics.repliesSent += pass.replied
    }

    /// Reads requests until there are none, the voter's limit is reached or the turn's time is up.
    private func drain(voter id: Int) {
        guard let voter = sockets.voters[id], phase == .running, voter.room > 0 else { return }
        if member.role != .active {
            // A vote may decide on a failover: what the peer has said by now counts, also if nobody has read it yet.
            receiveHeartbeats()
            guard phase == .running else { return }
        }
        let budgetEnd = pump.confined.budgetEnd
        let room = voter.room
        var pass = Pass(spare: voter.spare.take(), inlineHandler: voter.inlineHandler)
        swap(&pass.batch, &voter.batch)
        // One message at least: another voter may have used the turn's time up.
        var now = MonotonicTime.now
        repeat {
            // Bound once and handed on: a second reference to the message would make its frames be copied.
            guard let message = receive(from: voter, &pass) else {
                now = .now
                continue
            }
            now = .now
            handle(message, from: voter, at: now, &pass)
        } while !pass.isDry && pass.batch.count < room && now < budgetEnd
        swap(&pass.batch, &voter.batch)
        finish(pass, of: voter)
        submitBatch(of: voter)
    }

    /// The next message, or `nil` if there is none now or it was dropped.
    private func receive(from voter: Voter, _ pass: inout Pass) -> Message? {
        do throws(ZeroMQError) {
            switch try voter.pumped.socket.receive(
                reusing: &pass.spare, maximumFrames: voter.limits.maximumFrameCount)
            {
            case .message(let message): return message
            case .tooManyFrames: drop(.tooManyFrames, from: voter)
            case .nothing: pass.isDry = true
            }
        } catch {
            pass.isDry = true
            rateLimitedLog.warning(
                "cannot receive a request", to: logger, at: .now, metadata: [LogKey.error: "\(error)"])
        }
        return nil
    }

    private func handle(_ message: consuming Message, from voter: Voter, at now: MonotonicTime, _ pass: inout Pass) {
        let request =
            voter.replies
            ? Request(message, identityFrames: voter.identityFrames) : Request(oneWay: message)
        if voter.needsDelimiter, !request.envelope.hasDelimiter { return drop(.noDelimiter, from: voter) }
        if request.envelope.cost > Request.largestEnvelope { return drop(.envelopeTooLarge, from: voter) }
        guard admitRequest(at: now) else {
            pass.refused += 1
            return
        }
        pass.admitted += 1
        guard let handler = pass.inlineHandler else { return pass.batch.append(request) }
        do {
            guard let reply = try handler(request) else { return }
            send(reply, to: request, of: voter, &pass)
        } catch {
            handlerFailed(error, voter)
        }
    }

    private func submitBatch(of voter: Voter) {
        guard case .pool(let pool) = voter.service else { return }
        voter.inFlight += voter.batch.count
        if !voter.batch.isEmpty { pool.submit(&voter.batch) }
        // Not read while the limit is reached.
        if voter.room == 0 { pump.confined.setEvents([], of: voter.pumped) }
    }

    private func drop(_ reason: RequestDrop, from voter: Voter) {
        statistics.requestsDropped[reason, default: 0] += 1
        rateLimitedLog.warning(
            "request dropped", to: logger, at: .now,
            metadata: [LogKey.reason: "\(reason)", LogKey.endpoint: "\(voter.endpoint)"])
    }

    private func handlerFailed(_ error: any Error, _ voter: Voter) {
        statistics.handlersFailed += 1
        rateLimitedLog.warning(
            "handler failed", to: logger, at: .now,
            metadata: [LogKey.error: "\(error)", LogKey.endpoint: "\(voter.endpoint)"])
    }

    // MARK: Replies out

    private func sendReplies(ofVoter id: Int) {
        guard let voter = sockets.voters[id], case .pool(let pool) = voter.service else { return }
        pool.takeFinished(into: &voter.outcomes)
        voter.inFlight -= voter.outcomes.count
        // Taken out of the array one by one, so that a reply's frames have one owner and can be moved.
        voter.outcomes.reverse()
        var pass = Pass(spare: voter.spare.take())
        while var outcome = voter.outcomes.popLast() {
            switch outcome.result {
            case .success(let reply?):
                outcome.result = .success(nil)
                send(reply, to: outcome.request, of: voter, &pass)
            case .success(nil): break
            case .failure(let error): handlerFailed(error, voter)
            }
        }
        finish(pass, of: voter)
        if phase == .running, voter.room > 0 { pump.confined.setEvents(.readable, of: voter.pumped) }
    }

    /// Sends a reply. What is left of `request` is its memory, which the pass keeps for the next one.
    private func send(_ reply: consuming Message, to request: consuming Request, of voter: Voter, _ pass: inout Pass) {
        guard voter.replies, phase == .running else { return }
        // A ROUTER needs a frame behind the client's identity.
        if reply.isEmpty, !request.envelope.hasDelimiter { reply = Message("") }
        guard case .send(let charge) = voter.delivery(of: reply, to: request) else {
            return dropReply(.clientNotReading, voter)
        }
        let bodyStart = request.envelope.count
        var message = (consume request).message
        let sent: Socket.Sent
        do throws(ZeroMQError) {
            sent = try voter.pumped.socket.send(reply, to: &message, bodyStart: bodyStart, charge: charge)
        } catch {
            rateLimitedLog.warning(
                "cannot send a reply", to: logger, at: .now, metadata: [LogKey.error: "\(error)"])
            return
        }
        pass.spare = consume message
        switch sent {
        case .sent: pass.replied += 1
        case .full: dropReply(.clientNotReading, voter)
        case .noPeer: dropReply(.clientGone, voter)
        }
    }

    private func dropReply(_ reason: ReplyDrop, _ voter: Voter) {
        statistics.repliesDropped[reason, default: 0] += 1
        rateLimitedLog.warning(
            "reply dropped", to: logger, at: .now,
            metadata: [LogKey.reason: "\(reason)", LogKey.endpoint: "\(voter.endpoint)"])
    }
}
