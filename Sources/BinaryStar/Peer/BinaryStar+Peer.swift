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
            publisher = try PumpedSocket(socket, priority: .control) { _ in }
        } catch {
            throw .unavailable("listen", error)
        }
        do throws(ZeroMQError) {
            let (subscriber, monitor) = try openSubscriber()
            sockets.peerLink = PeerLink(publisher: publisher, endpoint: endpoint, subscriber: subscriber)
            sockets.peerLink?.monitor = monitor
        } catch {
            throw .unavailable("connect", error)
        }
        loop.insert(publisher, events: [])
    }

    /// The subscriber, connected, and its monitor.
    private func openSubscriber() throws(ZeroMQError) -> (PumpedSocket, PumpedSocket) {
        let loop = pump.confined
        let socket = try PeerLink.makeSubscriber(timing: configuration.timing, in: loop)
        // Before the socket connects: libzmq waits for a monitor that nobody reads.
        let monitorSocket = try loop.startMonitor(of: socket, .disconnected)
        let monitor = try PumpedSocket(monitorSocket, priority: .control) { [weak self] _ in
            self?.assumeIsolated { $0.readPeerMonitor() }
        }
        try socket.connect(configuration.connect)
        let subscriber = try PumpedSocket(socket, priority: .control) { [weak self] _ in
            self?.assumeIsolated { $0.receiveHeartbeats() }
        }
        loop.insert(monitor, events: .readable)
        loop.insert(subscriber, events: .readable)
        return (subscriber, monitor)
    }

    // MARK: Proof of death

    private func readPeerMonitor() {
        var isBroken = false
        while let message = try? sockets.peerLink?.monitor?.receive() {
            if MonitorEvent(message)?.kind == .disconnected { isBroken = true }
        }
        guard isBroken, phase == .running else { return }
        // What the peer said before counts first.
        receiveHeartbeats()
        guard phase == .running, configuration.trustsRefusedConnections else { return }
        let now = MonotonicTime.now
        member.peerLinkBroke(at: now)
        settle(.none, at: now)
        probePeer()
    }

    private func probePeer() {
        guard let endpoint = try? Endpoint(configuration.connect, field: "connect", use: .connect) else { return }
        let peer = member.peer
        PortProbe.start(endpoint, limit: configuration.timing.interval) { [weak self, pump] asked in
            PumpSignal(pump: pump) { [weak self] in
                self?.assumeIsolated { $0.peerRefusedConnection(peer, askedAt: asked) }
            }.raise()
        }
    }

    private func peerRefusedConnection(_ peer: Peer, askedAt asked: MonotonicTime) {
        receiveHeartbeats()
        guard phase == .running else { return }
        // One that was heard since has started again; but an extended one may only have come late with its last words.
        let isSameLife =
            peer.kind == .extended
            ? member.peer.incarnation == peer.incarnation : member.peer.lastHeard == peer.lastHeard
        guard isSameLife else { return }
        logger.info("the peer's process is gone", metadata: [LogKey.connect: "\(configuration.connect)"])
        let now = MonotonicTime.now
        settle(member.peerDied(at: now, askedAt: asked), at: now)
    }

    /// Makes the connection to the peer anew. libzmq reconnects by itself when a connection breaks, but not after the
    /// other end has broken the protocol, be it only a port scanner that listened there for a moment.
    private func relink() {
        guard let link = sockets.peerLink else { return }
        logger.debug("peer is silent; connecting anew", metadata: [LogKey.connect: "\(configuration.connect)"])
        link.closeSubscriber(in: pump.confined)
        do throws(ZeroMQError) {
            (link.subscriber, link.monitor) = try openSubscriber()
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
                switch try link.subscriber.receive(reusing: &link.spare, maximumFrames: 2) {
                case .nothing: return
                case .tooManyFrames: reject(.tooManyFrames, nil)
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
        case .failure(let reason): reject(reason, nil)
        case .success(let heartbeat): handle(heartbeat, at: .now)
        }
    }

    private func reject(_ reason: HeartbeatRejection, _ heartbeat: Heartbeat?) {
        statistics.heartbeatsRejected[reason, default: 0] += 1
        rateLimitedLog.warning(
            "heartbeat rejected: \(reason)", to: logger, at: .now,
            metadata: [
                LogKey.reason: "\(explanation(of: reason, heartbeat?.extension))",
                LogKey.connect: "\(configuration.connect)",
            ])
    }

    /// Which field differs on which side.
    private func explanation(of reason: HeartbeatRejection, _ news: HeartbeatExtension?) -> String {
        guard let news else { return "\(reason)" }
        switch reason {
        case .otherPair:
            let theirs = news.pairName.debugDescription
            let ours = configuration.pairName.debugDescription
            return "the pair's name is \(ours) here and \(theirs) there; both servers of a pair need the same"
        case .sameSeat:
            return "the seat is \(configuration.seat) here and there; one server must be primary and the other backup"
        case .ownHeartbeat: return "connect leads to this server's own listen endpoint; name the peer's"
        default: return "\(reason)"
        }
    }

    private func handle(_ heartbeat: Heartbeat, at now: MonotonicTime) {
        switch member.receive(heartbeat, at: now) {
        case .failure(let reason): reject(reason, heartbeat)
        case .success(let reaction):
            statistics.heartbeatsReceived += 1
            trace(.peer(heartbeat.role), reaction)
            settle(reaction, at: now)
        }
    }

    /// Publishes the role and whatever else is due, and sets the alarm for the next time.
    func tick(at now: MonotonicTime) {
        guard phase == .running else { return }
        let (due, reaction) = member.tick(at: now)
        if due.contains(.heartbeat) { publish(member.makeHeartbeat(at: now)) }
        if due.contains(.relink) { relink() }
        settle(reaction, at: now)
    }

    private func publish(_ heartbeat: Heartbeat) {
        var message = Message(frames: heartbeat.frames)
        do throws(ZeroMQError) {
            _ = try sockets.peerLink?.publisher.send(&message)
            statistics.heartbeatsSent += 1
        } catch {
            rateLimitedLog.warning(
                "cannot publish the role", to: logger, at: .now, metadata: [LogKey.error: "\(error)"])
        }
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
