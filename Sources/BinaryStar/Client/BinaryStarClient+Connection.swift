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
        try socket.connect(endpoint)
        let pumped = PumpedSocket(socket, priority: .data) { [weak self] _ in
            self?.assumeIsolated { $0.receiveReplies() }
        }
        loop.insert(pumped, events: .readable)
        logger.debug("connecting", metadata: [LogKey.server: "\(server)", LogKey.endpoint: "\(endpoint)"])
        return pumped
    }

    /// The longest frame that a server may reply with, in bytes.
    private static let maximumFrameSize: Int64 = 64 << 20

    /// Leaves the server for the other one, after the settle delay.
    private func failOver(at now: MonotonicTime) {
        let silent = server
        server = server.other
        connection.disconnect(in: pump.confined)
        requests.turnToOtherServer()
        connection.settlesAt = now + configuration.settleDelay
        logger.info(
            "no reply; turning to the other server",
            metadata: [
                LogKey.from: "\(silent)", LogKey.to: "\(server)", LogKey.waiting: "\(requests.count)",
            ])
    }

    /// Takes note that a request was given up.
    func gaveUp(_ request: ClientRequests.Entry, at now: MonotonicTime) {
        if configuration.envelope == .plain, request.sentAt != nil {
            // Its reply could be taken for that of the next request: only a new connection is safe from it. It is made in
            // the next turn, so that many requests that are given up together cost one.
            connection.disconnect(in: pump.confined)
            requests.markAllUnsent()
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
                    RequestHeader(incarnation: incarnation, number: request.number).encoded, delimiter,
                ])
            case .plain: Message(frames: [delimiter])
            }
        do throws(ZeroMQError) {
            _ = try pumped.socket.send(request.body, to: &envelope, bodyStart: envelope.endIndex)
            requests.sent(request.number, at: now)
        } catch {
            fail(error)
        }
    }

    private func fail(_ error: ZeroMQError) {
        logger.warning("cannot reach the server", metadata: [LogKey.error: "\(error)"])
        let failure = BinaryStarClientError(.socketFailed, "\(error)", underlying: error)
        for request in requests.removeAll() { request.continuation.resume(throwing: failure) }
    }

    // MARK: Replies in

    private func receiveReplies() {
        let budgetEnd = pump.confined.budgetEnd
        do throws(ZeroMQError) {
            while let message = try connection.socket?.socket.receive() {
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
        guard let (number, body) = parse(message) else {
            logger.debug("dropped what is no reply", metadata: [LogKey.server: "\(server)"])
            return
        }
        requests.replied(at: now)
        // A reply to a request that has had one already, or was given up, is for nobody.
        guard let request = requests.remove(number) else { return }
        request.continuation.resume(
            returning: Reply(body: body, server: server, attempts: request.attempts))
    }

    /// The request's number and the reply's body, or `nil` if the message is no reply to this client.
    private func parse(_ message: Message) -> (UInt64, Message)? {
        switch configuration.envelope {
        case .header:
            guard message.count >= 2, message[1].isEmpty, let header = message[0].withSpan({ RequestHeader($0) }),
                header.incarnation == incarnation
            else { return nil }
            return (header.number, message.rest(from: 2))
        case .plain:
            guard message.count >= 1, message[0].isEmpty, let number = requests.onlyNumberInFlight else { return nil }
            return (number, message.rest(from: 1))
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
            case .serverSilent: return failOver(at: now)
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
