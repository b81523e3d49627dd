import BinaryStarCore
import Logging
import ZeroMQ

extension BinaryStar {
    // MARK: The link

    /// Binds and connects the two sockets of the peer link.
    func openPeerLink() throws(BinaryStarError) {
        let loop = pump.confined
        let publisher: PumpedSocket
        let endpoint: String
        do throws(ZeroMQError) {
            let socket = try PeerLink.bindPublisher(configuration.listen, in: loop)
            endpoint = try socket.lastEndpoint
            publisher = PumpedSocket(socket, priority: .control) { _ in }
        } catch {
            throw .unavailable("listen", error)
        }
        do throws(ZeroMQError) {
            sockets.peerLink = PeerLink(publisher: publisher, endpoint: endpoint, subscriber: try openSubscriber())
        } catch {
            throw .unavailable("connect", error)
        }
        loop.insert(publisher, events: [])
    }

    private func openSubscriber() throws(ZeroMQError) -> PumpedSocket {
        let loop = pump.confined
        let socket = try PeerLink.connectSubscriber(configuration.connect, timing: configuration.timing, in: loop)
        let pumped = PumpedSocket(socket, priority: .control) { [weak self] _ in
            self?.assumeIsolated { $0.receiveHeartbeats() }
        }
        loop.insert(pumped, events: .readable)
        return pumped
    }

    /// Makes the connection to the peer anew. libzmq reconnects by itself when a connection breaks, but not after the
    /// other end has broken the protocol, be it only a port scanner that listened there for a moment.
    private func relink() {
        guard let link = sockets.peerLink else { return }
        logger.debug("peer is silent; connecting anew", metadata: [LogKey.connect: "\(configuration.connect)"])
        pump.confined.remove(link.subscriber)
        do throws(ZeroMQError) {
            link.subscriber = try openSubscriber()
        } catch {
            rateLimitedLog.warning(
                "cannot connect to the peer", to: logger, at: .now, metadata: [LogKey.error: "\(error)"])
        }
    }

    // MARK: Heartbeats

    /// Takes in all heartbeats that have arrived, each in its turn: with a classic peer every one of them counts.
    func receiveHeartbeats() {
        guard phase == .running, let link = sockets.peerLink else { return }
        do throws(ZeroMQError) {
            // A peer cannot keep the pump here: what it sends beyond this waits for the next turn.
            for _ in 0..<Self.heartbeatsPerTurn {
                switch try link.subscriber.socket.receive(reusing: &link.spare, maximumFrames: 2) {
                case .nothing: return
                case .tooManyFrames: reject(.tooManyFrames)
                case .message(let message):
                    handle(message)
                    link.spare = message
                }
                guard phase == .running else { return }
            }
        } catch {
            rateLimitedLog.warning(
                "cannot receive from the peer", to: logger, at: .now, metadata: [LogKey.error: "\(error)"])
        }
    }

    private static let heartbeatsPerTurn = 64

    private func handle(_ message: Message) {
        switch Heartbeat.decode(message) {
        case .failure(let reason): reject(reason)
        case .success(let heartbeat): handle(heartbeat, at: .now)
        }
    }

    private func reject(_ reason: HeartbeatRejection) {
        statistics.heartbeatsRejected[reason, default: 0] += 1
        rateLimitedLog.warning(
            "heartbeat rejected", to: logger, at: .now,
            metadata: [LogKey.reason: "\(reason)", LogKey.connect: "\(configuration.connect)"])
    }

    private func handle(_ heartbeat: Heartbeat, at now: MonotonicTime) {
        statistics.heartbeatsReceived += 1
        let silence = member.lastHeard.map { now - $0 }
        let event = Event.peer(heartbeat.role)
        let action = member.receive(heartbeat, at: now)
        trace(event, "\(action)")
        switch action {
        case .none: break
        case .roleChanged(let from, let to): roleChanged(from: from, to: to, cause: event, silence: silence, at: now)
        case .conflict(let conflict):
            logger.error("\(conflict)")
            requestEnd(.failure(.conflict(conflict)))
        }
    }

    /// Publishes the role and whatever else is due, and sets the alarm for the next time.
    func tick(at now: MonotonicTime) {
        guard phase == .running else { return }
        let due = member.tick(at: now)
        if due.contains(.heartbeat) { publishRole() }
        if due.contains(.relink) { relink() }
        sockets.timer?.deadline = member.nextDeadline
    }

    private func publishRole() {
        var message = Message(Heartbeat(role: member.role).frame)
        do throws(ZeroMQError) {
            _ = try sockets.peerLink?.publisher.socket.send(&message)
            statistics.heartbeatsSent += 1
        } catch {
            rateLimitedLog.warning(
                "cannot publish the role", to: logger, at: .now, metadata: [LogKey.error: "\(error)"])
        }
    }

    // MARK: Votes and changes

    /// Asks the state machine whether a request may be served at `now`.
    func admitRequest(at now: MonotonicTime) -> Bool {
        let lastHeard = member.lastHeard
        let action = member.requestArrived(at: now)
        if logsTrace { trace(.clientRequest, "\(action)") }
        switch action {
        case .refuse: return false
        case .promoteAndAdmit(let from):
            roleChanged(from: from, to: .active, cause: .clientRequest, silence: lastHeard.map { now - $0 }, at: now)
        case .admit: break
        }
        return true
    }

    private func roleChanged(from: Role, to: Role, cause: Event, silence: Duration?, at now: MonotonicTime) {
        // The core has made the next heartbeat due: the peer learns of the change at once.
        tick(at: now)
        var metadata: Logger.Metadata = [
            LogKey.from: "\(from)", LogKey.to: "\(to)", LogKey.cause: "\(cause)",
        ]
        if let silence { metadata[LogKey.silence] = "\(silence)" }
        logger.info("role changed", metadata: metadata)
        changesContinuation.yield(
            RoleChange(from: from, to: to, cause: cause, instant: .now, peerSilence: silence))
    }

    private func trace(_ event: Event, _ outcome: @autoclosure () -> String) {
        logger.trace(
            "event",
            metadata: [
                LogKey.event: "\(event)", LogKey.role: "\(member.role)", LogKey.outcome: "\(outcome())",
            ])
    }
}

extension Heartbeat {
    /// Reads a heartbeat from the frames of a message.
    static func decode(_ message: Message) -> Result<Heartbeat, HeartbeatRejection> {
        guard let first = message.first else { return .failure(.empty) }
        return first.withSpan { state in
            guard message.count > 1 else { return decode(frameCount: 1, state: state, extension: nil) }
            return message[1].withSpan {
                decode(frameCount: message.count, state: state, extension: $0)
            }
        }
    }
}
