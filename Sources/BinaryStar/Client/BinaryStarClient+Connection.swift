import BinaryStarCore
import Logging
import ZeroMQ

extension BinaryStarClient {
    // MARK: Connecting

    func connectIfNeeded(at now: MonotonicTime) {
        guard connection.socket == nil, connection.settlesAt == nil else { return }
        if connection.timer == nil {
            let timer = PumpTimer { [weak self] now in self?.assumeIsolated { $0.tick(at: now) } }
            pump.confined.insert(timer)
            connection.timer = timer
        }
        do throws(ZeroMQError) {
            connection.socket = try connect(to: configuration.endpoint(of: server))
        } catch {
            fail(error)
        }
    }

    private func connect(to endpoint: String) throws(ZeroMQError) -> PumpedSocket {
        let loop = pump.confined
        let socket = try loop.makeSocket(.dealer)
        // Bounded by the requests that wait for a reply, which the client keeps anyway.
        try socket.set(.sendHighWaterMark, 0)
        try socket.set(.maximumFrameSize, Self.maximumFrameSize)
        let monitor = try loop.startMonitor(of: socket, [.disconnected, .closed])
        let pumpedMonitor = try PumpedSocket(monitor, priority: .control) { [weak self] _ in
            self?.assumeIsolated { $0.connectionBroke() }
        }
        try socket.connect(endpoint)
        let pumped = try PumpedSocket(socket, priority: .data) { [weak self] _ in
            self?.assumeIsolated { $0.receiveReplies() }
        }
        loop.insert(pumpedMonitor, events: .readable)
        connection.monitor = pumpedMonitor
        loop.insert(pumped, events: .readable)
        logger.debug("connecting", metadata: [LogKey.server: "\(server)", LogKey.endpoint: "\(endpoint)"])
        return pumped
    }

    /// The longest frame that a server may reply with, in bytes.
    private static let maximumFrameSize: Int64 = 64 << 20

    /// Leaves the server for the other one.
    private func failOver(_ reason: String, after delay: Duration, at now: MonotonicTime) {
        let left = server
        server = server.other
        connection.disconnect(in: pump.confined)
        requests.turnToOtherServer(at: now)
        connection.settlesAt = now + delay
        turns += 1
        logger.info(
            "turning to the other server",
            metadata: [
                LogKey.reason: "\(reason)", LogKey.from: "\(left)", LogKey.to: "\(server)",
                LogKey.waiting: "\(requests.count)",
            ])
    }

    /// Leaves a server that has said, or shown, that it does not serve: at once, and more slowly when neither does.
    private func leave(_ reason: String, at now: MonotonicTime) {
        let delay = turns == 0 ? Duration.zero : Self.shortestBackoff * (1 << min(turns - 1, 4))
        failOver(reason, after: delay, at: now)
        setAlarm()
    }

    private static let shortestBackoff = Duration.milliseconds(2)

    /// The connection to the server broke, or could not be made. A zguide server has no terms, and takes over only after the settle delay.
    private func connectionBroke() {
        while let message = try? connection.monitor?.receive() {
            guard MonitorEvent(message) != nil, connection.socket != nil else { continue }
            guard highestTerm > 0 else { continue }
            return leave("the connection broke", at: .now)
        }
    }

    /// Takes note that a request was given up.
    func gaveUp(_ request: ClientRequests.Entry, at now: MonotonicTime) {
        if configuration.envelope == .plain, request.sentAt != nil {
            // Its reply could be taken for that of the next request: only a new connection is safe from it. It is made in
            // the next turn, so that many requests that are given up together cost one.
            connection.disconnect(in: pump.confined)
            requests.markAllUnsent(at: now)
            connection.settlesAt = now
        }
        setAlarm()
    }

    // MARK: Requests out

    /// Sends what waits to be sent, as far as the envelope allows, and sets the alarm.
    func sendWhatMayGo(at now: MonotonicTime) {
        while mayGo, let request = requests.nextUnsent() { send(request, at: now) }
        setAlarm()
    }

    private var mayGo: Bool {
        guard connection.socket != nil else { return false }
        switch configuration.envelope {
        case .header: return true
        case .plain: return requests.inFlight == 0
        }
    }

    private func send(_ request: ClientRequests.Entry, at now: MonotonicTime) {
        guard let pumped = connection.socket else { return }
        let delimiter: [UInt8] = []
        var envelope =
            switch configuration.envelope {
            case .header:
                Message(frames: [
                    RequestHeader(incarnation: incarnation, number: request.number, term: highestTerm).encoded,
                    delimiter,
                ])
            case .plain: Message(frames: [delimiter])
            }
        do throws(ZeroMQError) {
            _ = try pumped.send(request.body, to: &envelope, bodyStart: envelope.endIndex)
            requests.sent(request.number, at: now)
        } catch {
            fail(error)
        }
    }

    private func fail(_ error: ZeroMQError) {
        logger.warning("cannot reach the server", metadata: [LogKey.error: "\(error)"])
        let failure = BinaryStarClientError(.socketFailed, "\(error)", underlying: error)
        for request in requests.removeAll(at: .now) { request.continuation.resume(throwing: failure) }
    }

    // MARK: Replies in

    private func receiveReplies() {
        let budgetEnd = pump.confined.budgetEnd
        do throws(ZeroMQError) {
            while let message = try connection.socket?.receive() {
                let now = MonotonicTime.now
                accept(message, at: now)
                if now >= budgetEnd { break }
            }
        } catch {
            logger.warning("cannot receive from the server", metadata: [LogKey.error: "\(error)"])
        }
        sendWhatMayGo(at: .now)
    }

    private func accept(_ message: Message, at now: MonotonicTime) {
        guard let answer = parse(message) else {
            logger.debug("dropped what is no reply", metadata: [LogKey.server: "\(server)"])
            return
        }
        if let header = answer.header {
            guard header.kind == .reply, header.term >= highestTerm else {
                highestTerm = max(highestTerm, header.term)
                // One that refuses what was given up already, or late, says nothing about those that wait.
                guard requests.isInFlight(answer.number) else { return }
                return leave(header.kind == .refusal ? "it is \(header.role)" : "it was superseded", at: now)
            }
            highestTerm = header.term
        }
        turns = 0
        let request = requests.remove(answer.number, at: now)
        requests.replied(at: now)
        // A reply to a request that has had one already, or was given up, is for nobody.
        guard let request else { return }
        request.continuation.resume(
            returning: Reply(
                body: answer.body, server: server, attempts: request.attempts, term: answer.header?.term))
    }

    private struct Answer {
        var number: UInt64
        var body: Message
        /// `nil` from a server that knows nothing of headers.
        var header: ReplyHeader?
    }

    /// What a server answered, or `nil` if the message is no answer to this client.
    private func parse(_ message: Message) -> Answer? {
        switch configuration.envelope {
        case .header:
            guard message.count >= 2, message[1].isEmpty else { return nil }
            let header = message[0].withSpan { ReplyHeader($0) }
            guard let request = header?.request ?? message[0].withSpan({ RequestHeader($0) }),
                request.incarnation == incarnation
            else { return nil }
            return Answer(number: request.number, body: message.rest(from: 2), header: header)
        case .plain:
            guard message.count >= 1, message[0].isEmpty, let number = requests.onlyNumberInFlight else { return nil }
            return Answer(number: number, body: message.rest(from: 1))
        }
    }

    // MARK: Time

    private func tick(at now: MonotonicTime) {
        while let request = requests.removeExpired(at: now) {
            request.continuation.resume(throwing: timedOut(request))
            gaveUp(request, at: now)
        }
        if let settlesAt = connection.settlesAt, settlesAt <= now {
            connection.settlesAt = nil
            if !requests.isEmpty { connectIfNeeded(at: now) }
        }
        resendOrTurn(at: now)
        sendWhatMayGo(at: now)
    }

    /// Does what is due about requests that have waited for the attempt timeout.
    func resendOrTurn(at now: MonotonicTime) {
        guard connection.socket != nil else { return }
        while let overdue = requests.nextOverdue(at: now) {
            switch overdue {
            case .resend(let request): send(request, at: now)
            case .serverSilent:
                // A server with terms may be asked at once: it knows itself whether it serves.
                return failOver("no reply", after: highestTerm > 0 ? .zero : configuration.settleDelay, at: now)
            }
        }
    }

    private func setAlarm() {
        let next = requests.nextDeadline()
        connection.timer?.deadline = [next, connection.settlesAt].compactMap { $0 }.min()
    }

    private func timedOut(_ request: ClientRequests.Entry) -> BinaryStarClientError {
        let attempts = request.attempts == 1 ? "1 attempt" : "\(request.attempts) attempts"
        return BinaryStarClientError(
            .timedOut,
            "no reply within \(request.timeout) after \(attempts) at \(configuration.primary) and "
                + "\(configuration.backup); check that the servers run, reach each other, and can be reached from here")
    }
}
