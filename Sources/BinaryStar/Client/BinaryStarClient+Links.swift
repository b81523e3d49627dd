import BinaryStarCore
import Logging
import ZeroMQ

// The sockets to the two servers.
extension BinaryStarClient {
    /// Connects to both servers, with the first request. The one that is not followed is there for the moment at which it is.
    func connectIfNeeded() {
        guard links.timer == nil, !isClosed else { return }
        let timer = PumpTimer { [weak self] now in self?.assumeIsolated { $0.tick(at: now) } }
        pump.confined.insert(timer)
        links.timer = timer
        startMetrics()
        connect(to: Seat.allCases)
    }

    func connect(to seats: [Seat]) {
        guard !isClosed else { return }
        var failure: ZeroMQError?
        for seat in seats {
            let endpoint = configuration.endpoint(of: seat)
            do throws(ZeroMQError) {
                links[seat] = try makeLink(to: seat, endpoint)
                logger.debug("connecting", metadata: [LogKey.server: "\(seat)", LogKey.endpoint: "\(endpoint)"])
            } catch {
                logger.error(
                    "cannot make a socket", metadata: [LogKey.server: "\(seat)", LogKey.error: "\(error)"])
                failure = error
            }
        }
        // One server may do. The other one's socket is tried again when it is followed.
        guard let failure, Seat.allCases.allSatisfy({ links[$0] == nil }) else { return }
        failAll(BinaryStarClientError(.socketFailed, "\(failure)", underlying: failure))
    }

    private func makeLink(to seat: Seat, _ endpoint: String) throws(ZeroMQError) -> ClientLinks.Link {
        let loop = pump.confined
        let socket = try loop.makeSocket(.dealer)
        // Bounded by the requests that wait for a reply, which the client keeps anyway.
        try socket.set(.sendHighWaterMark, 0)
        try socket.set(.receiveHighWaterMark, 0)
        // Without this libzmq keeps what it has not sent when a connection breaks, and sends it with the next one: a
        // server that comes back would get old requests, which were sent to the other one in the meantime.
        try socket.set(.immediate, 1)
        try socket.set(.maximumFrameSize, Int64(configuration.maximumReplyFrameSize))
        // Without it a connection to a host that is gone waits for the kernel, which tries again more and more rarely.
        try socket.set(.connectTimeout, Self.connectTimeout)
        let monitor = try loop.startMonitor(of: socket, [.handshakeSucceeded, .disconnected, .closed])
        let pumpedMonitor = try PumpedSocket(monitor, priority: .control) { [weak self] _ in
            self?.assumeIsolated { $0.readMonitor(of: seat) }
        }
        try socket.connect(endpoint)
        let pumped = try PumpedSocket(socket, priority: .data) { [weak self] _ in
            self?.assumeIsolated { $0.receiveReplies(from: seat) }
        }
        loop.insert(pumpedMonitor, events: .readable)
        loop.insert(pumped, events: .readable)
        return ClientLinks.Link(socket: pumped, monitor: pumpedMonitor)
    }

    /// Milliseconds.
    static let connectTimeout: Int32 = 2_000

    private func readMonitor(of seat: Seat) {
        var changed = false
        while let link = links[seat], let message = try? link.monitor.receive() {
            guard let event = MonitorEvent(message) else { continue }
            changed = true
            let now = MonotonicTime.now
            switch event.kind {
            case .handshakeSucceeded: isConnected(to: seat, link, at: now)
            default: isLost(seat, link, at: now)
            }
            performActions()
        }
        if changed { sendWhatMayGo(at: .now) }
    }

    private func isConnected(to seat: Seat, _ link: ClientLinks.Link, at now: MonotonicTime) {
        link.isComplete = true
        logger.info(
            "connected",
            metadata: [LogKey.server: "\(seat)", LogKey.endpoint: "\(configuration.endpoint(of: seat))"])
        broadcast.send(.connected(seat))
        follower.connected(to: seat, at: now)
        // To receive makes libzmq take in the connection, which a send alone may not, so soon after the one before.
        drain(seat)
    }

    private func isLost(_ seat: Seat, _ link: ClientLinks.Link, at now: MonotonicTime) {
        // Replies that came before the end count, if libzmq still has them: it drops those that were not read when it hears of
        // the end, which is the other side of `immediate`. One of them may make the client drop this connection.
        drainAll(seat)
        guard links[seat] === link else { return }
        if link.isComplete {
            link.isComplete = false
            logger.info(
                "connection lost",
                metadata: [
                    LogKey.server: "\(seat)", LogKey.endpoint: "\(configuration.endpoint(of: seat))",
                    LogKey.waiting: "\(follower.count)",
                ])
            counts.connectionsLost[seat, default: 0] += 1
            broadcast.send(.lost(seat))
        } else {
            rateLimitedLog.warning(
                "cannot connect", to: logger, at: now,
                metadata: [LogKey.server: "\(seat)", LogKey.endpoint: "\(configuration.endpoint(of: seat))"])
        }
        follower.lost(seat, at: now)
    }

    // MARK: Requests out

    /// Sends what may be sent, and sets the alarm.
    func sendWhatMayGo(at now: MonotonicTime) {
        // All go to the same server: who is followed changes only behind the loop's end.
        let link = links[follower.following]
        var sent = 0
        while let sending = follower.nextToSend(at: now) {
            assert(sending.seat == follower.following)
            do throws(ZeroMQError) {
                if let link, try send(sending, by: link, at: now) {
                    sent += 1
                    continue
                }
                follower.notSent(sending)
            } catch {
                rateLimitedLog.warning(
                    "cannot send a request", to: logger, at: now, metadata: [LogKey.error: "\(error)"])
                follower.notSent(sending)
                // Part of the message is in the socket, which would drop the rest with the next one.
                follower.reconnect(sending.seat, at: now)
                performActions()
            }
            break
        }
        counts.attempts += sent
        links.timer?.deadline = follower.nextDeadline
        noteForMetrics(at: now)
    }

    /// Returns false if the socket has no connection.
    private func send(
        _ sending: PairFollower.Sending, by link: ClientLinks.Link, at now: MonotonicTime
    ) throws(ZeroMQError) -> Bool {
        guard let request = requests[sending.slot] else { return false }
        let sent: Socket.Sent
        switch configuration.envelope {
        case .header:
            let header = header(of: sending, at: now)
            sent = try link.socket.send(
                address: request.trace, headerLength: RequestHeader.length, body: request.body
            ) {
                header.encode(into: $0)
            }
        case .plain: sent = try link.socket.send(headerLength: 0, body: request.body) { _ in }
        }
        return if case .sent = sent { true } else { false }
    }

    private func header(of sending: PairFollower.Sending, at now: MonotonicTime) -> RequestHeader {
        // Rounded up: what the server drops must be over here too.
        let left = (sending.deadline.nanoseconds - now.nanoseconds + 999_999) / 1_000_000
        return RequestHeader(
            incarnation: incarnation, number: sending.number, term: follower.highestTerm,
            attempt: UInt8(truncatingIfNeeded: sending.attempt),
            millisecondsLeft: left > Int64(RequestHeader.maximumMillisecondsLeft) ? nil : UInt32(max(1, left)),
            flags: RequestHeader.Flags(rawValue: sending.isOnce ? RequestHeader.Flags.once.rawValue : 0))
    }

    // MARK: Replies in

    private func receiveReplies(from seat: Seat) {
        drain(seat)
        // The connection may have been taken in only now.
        if let link = links[seat], link.isComplete { follower.connected(to: seat, at: .now) }
        performActions()
        sendWhatMayGo(at: .now)
    }

    /// Takes the replies that are there before something is decided that is due: this process may have been away, and what came in
    /// the meantime is no silence, nor too late.
    func drainIfDue(at now: MonotonicTime) {
        guard let due = follower.nextDeadline, due <= now else { return }
        for seat in Seat.allCases { drainAll(seat) }
    }

    /// Takes as many replies as are owed, and some messages that nobody asked for.
    private func drainAll(_ seat: Seat) {
        drain(seat, upTo: follower.inFlightCount(at: seat) + Self.unasked)
    }

    private static let unasked = 64

    /// Takes the replies that are there.
    ///
    /// - Parameter limit: how many messages at most; by default, as many as the turn's budget allows.
    private func drain(_ seat: Seat, upTo limit: Int? = nil) {
        let budgetEnd = limit == nil ? pump.confined.budgetEnd : .distantFuture
        var left = limit ?? .max
        guard let link = links[seat] else { return }
        var pass = Pass()
        swap(&pass.replied, &spareReplied)
        do throws(ZeroMQError) {
            while left > 0, let message = try link.socket.receive(usualFrames: Self.usualReplyFrames) {
                left -= 1
                let now = MonotonicTime.now
                accept(message, from: seat, at: now, &pass)
                if follower.hasActions {
                    performActions()
                    // One of them may have been to connect anew.
                    guard links[seat] === link else { break }
                }
                if now >= budgetEnd { break }
            }
        } catch {
            rateLimitedLog.warning(
                "cannot receive a reply", to: logger, at: .now, metadata: [LogKey.error: "\(error)"])
        }
        pass.resumeReplied()
        swap(&pass.replied, &spareReplied)
        guard pass.roundTrips.count > 0 else { return }
        counts.roundTrips.add(pass.roundTrips)
        metrics?.roundTripTook(pass.latestRoundTrip)
    }

    /// What one pass over a socket's messages keeps. In a local variable, because access to the actor's own state is checked for
    /// exclusivity each time.
    private struct Pass {
        /// Tasks that are about to go on, with a reply that their request has.
        var replied: [PendingRequest.Continuation] = []
        var roundTrips = ClientCounts.RoundTrips()
        /// In nanoseconds.
        var latestRoundTrip: Int64 = 0

        /// Has the tasks go on that have their reply. Many at a time: each time that one goes on alone, a thread of Swift's pool
        /// may have to be woken, and takes the processor from this one.
        mutating func resumeReplied() {
            for continuation in replied { continuation.resume() }
            replied.removeAll(keepingCapacity: true)
        }

        /// Few enough for the first not to wait long, some tens of microseconds.
        static let mostReplied = 128
    }

    /// A header, a delimiter and a body of one frame: a reply is kept by whoever asked, so that it has no room to spare.
    private static let usualReplyFrames = 3

    private func accept(_ message: consuming Message, from seat: Seat, at now: MonotonicTime, _ pass: inout Pass) {
        guard let (answer, bodyStart) = parse(message, from: seat) else {
            rateLimitedLog.warning(
                "dropped what is no reply", to: logger, at: now, metadata: [LogKey.server: "\(seat)"])
            return
        }
        guard let delivery = follower.answered(answer, by: seat, at: now), let request = take(delivery.slot) else {
            return
        }
        var term: UInt64?
        if case .headed(let header) = answer {
            term = header.term
            if header.kind == .failure {
                return fail(request, BinaryStarClientError.handlerFailed(message, bodyStart))
            }
        }
        pass.latestRoundTrip = now.nanoseconds - delivery.sentAt.nanoseconds
        pass.roundTrips.add(pass.latestRoundTrip)
        message.removeFrames(before: bodyStart)
        let reply = Reply(body: message, server: seat, attempts: delivery.attempts, term: term)
        if let continuation = request.set(.success(reply)) { pass.replied.append(continuation) }
        if pass.replied.count >= Pass.mostReplied { pass.resumeReplied() }
    }

    /// What a server answered, and where its body begins; or `nil` if the message is no answer to this client.
    private func parse(_ message: borrowing Message, from seat: Seat) -> (PairFollower.Answer, Int)? {
        switch configuration.envelope {
        case .header:
            guard let bodyStart = bodyStart(of: message) else { return nil }
            if let header = message.withSpan(ofFrame: bodyStart - 2, { ReplyHeader($0) }) {
                return header.request.incarnation == incarnation ? (.headed(header), bodyStart) : nil
            }
            guard let header = message.withSpan(ofFrame: bodyStart - 2, { RequestHeader($0) }),
                header.incarnation == incarnation
            else { return nil }
            return (.classic(number: header.number), bodyStart)
        case .plain:
            guard message.count >= 1, message.byteCount(ofFrame: 0) == 0,
                let number = follower.onlyInFlight(at: seat)
            else { return nil }
            return (.classic(number: number), 1)
        }
    }

    /// Where the body begins: behind the delimiter, which is behind the header. In front of that is the context of the request's
    /// span, if it had one.
    private func bodyStart(of message: borrowing Message) -> Int? {
        if message.count >= 2, message.byteCount(ofFrame: 1) == 0 { return 2 }
        guard message.count >= 3, message.byteCount(ofFrame: 2) == 0,
            message.withSpan(ofFrame: 0, { TraceContext.isContext($0) })
        else { return nil }
        return 3
    }
}
