import BinaryStarCore
import Logging
import ZeroMQ

extension BinaryStar {
    // MARK: The link

    /// Opens the sockets of the peer link.
    func openPeerLink() throws(BinaryStarError) {
        let loop = pump.confined
        let publisher: PumpedSocket
        let endpoints: [String]
        do throws(ZeroMQError) {
            (publisher, endpoints) = try PeerLink.bindPublisher(configuration.allListen, in: loop)
        } catch {
            throw .unavailable("listen", error)
        }
        loop.insert(publisher, events: [])
        var subscribers: [PeerSubscriber] = []
        for endpoint in configuration.allConnect {
            subscribers.append(PeerSubscriber(try Endpoint(endpoint, field: "connect", use: .connect)))
        }
        sockets.peerLink = PeerLink(publisher: publisher, endpoints: endpoints, subscribers: subscribers)
        do throws(ZeroMQError) {
            for subscriber in subscribers { try connect(subscriber) }
        } catch {
            throw .unavailable("connect", error)
        }
    }

    private func connect(_ subscriber: PeerSubscriber) throws(ZeroMQError) {
        try subscriber.connect(in: pump.confined, timing: configuration.timing) { [weak self] in
            self?.assumeIsolated { $0.receiveHeartbeats() }
        } onBreak: { [weak self] in
            self?.assumeIsolated { $0.readPeerMonitors() }
        }
    }

    // MARK: Proof of death

    private func readPeerMonitors() {
        guard let link = sockets.peerLink else { return }
        let broken = link.subscribers.filter { $0.readMonitor() }
        guard !broken.isEmpty, phase == .running else { return }
        // What the peer said before counts first.
        receiveHeartbeats()
        for subscriber in broken { subscriber.broke() }
        // One that is heard another way lives.
        guard phase == .running, configuration.trustsRefusedConnections, link.isBroken else {
            return
        }
        let now = MonotonicTime.now
        member.peerLinkBroke(at: now)
        settle(.none, at: now)
        probePeer()
    }

    private func probePeer() {
        guard let subscribers = sockets.peerLink?.subscribers else { return }
        let peer = member.peer
        PortProbe.start(subscribers.map(\.endpoint), limit: configuration.timing.interval) { [weak self, pump] asked in
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

    /// Makes those connections to the peer anew that have been silent for a timeout. libzmq reconnects by itself when a connection
    /// breaks, but not after the other end has broken the protocol, be it only a port scanner that listened there for a moment.
    private func relinkWhatIsSilent(at now: MonotonicTime) {
        let silent = (sockets.peerLink?.subscribers ?? []).filter { $0.isSilent(for: member.relinkPeriod, at: now) }
        guard !silent.isEmpty else { return }
        // After a stall what the peer has said may not be read yet.
        receiveHeartbeats()
        guard phase == .running else { return }
        for subscriber in silent where subscriber.isSilent(for: member.relinkPeriod, at: now) {
            logger.debug(
                "nothing comes from the peer; connecting anew",
                metadata: [LogKey.connect: "\(subscriber.endpoint.text)"])
            subscriber.disconnect(in: pump.confined)
            do throws(ZeroMQError) {
                try connect(subscriber)
            } catch {
                rateLimitedLog.warning(
                    "cannot connect to the peer", to: logger, at: .now, metadata: [LogKey.error: "\(error)"])
            }
        }
    }

    // MARK: Heartbeats

    /// Takes in all heartbeats that have arrived, each in its turn: with a classic peer every one of them counts.
    func receiveHeartbeats() {
        for subscriber in sockets.peerLink?.subscribers ?? [] { receiveHeartbeats(of: subscriber) }
    }

    private func receiveHeartbeats(of subscriber: PeerSubscriber) {
        do throws(ZeroMQError) {
            // A peer cannot keep the pump here: what it sends beyond this waits for the next turn.
            for _ in 0..<Self.heartbeatsPerTurn {
                guard phase == .running, let socket = subscriber.socket else { return }
                switch try socket.receive(reusing: &subscriber.spare, maximumFrames: 2) {
                case .nothing: return
                case .tooManyFrames: reject(.tooManyFrames, nil, subscriber)
                case .message(let message):
                    handle(message, from: subscriber)
                    subscriber.spare = message
                }
            }
        } catch {
            rateLimitedLog.warning(
                "cannot receive from the peer", to: logger, at: .now, metadata: [LogKey.error: "\(error)"])
        }
    }

    private static let heartbeatsPerTurn = 64

    private func handle(_ message: Message, from subscriber: PeerSubscriber) {
        switch Heartbeat.decode(message) {
        case .failure(let reason): reject(reason, nil, subscriber)
        case .success(let heartbeat): handle(heartbeat, from: subscriber, at: .now)
        }
    }

    private func reject(_ reason: HeartbeatRejection, _ heartbeat: Heartbeat?, _ subscriber: PeerSubscriber) {
        statistics.heartbeatsRejected[reason, default: 0] += 1
        rateLimitedLog.warning(
            "heartbeat rejected: \(reason)", to: logger, at: .now,
            metadata: [
                LogKey.reason: "\(explanation(of: reason, heartbeat?.extension))",
                LogKey.connect: "\(subscriber.endpoint.text)",
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

    private func handle(_ heartbeat: Heartbeat, from subscriber: PeerSubscriber, at now: MonotonicTime) {
        switch member.receive(heartbeat, at: now) {
        case .failure(let reason): reject(reason, heartbeat, subscriber)
        case .success(let reaction):
            subscriber.heard(at: now)
            statistics.heartbeatsReceived += 1
            checkRoundTrip(at: now)
            trace(.peer(heartbeat.role), reaction)
            settle(reaction, at: now)
        }
    }

    private static let lateAnswers = 8

    /// Warns of a link that is so slow that no answer proves anything: neither server could become active on the other's word.
    private func checkRoundTrip(at now: MonotonicTime) {
        guard let roundTrip = member.peer.roundTrip, roundTrip >= member.leaseDuration else { return slowAnswers = 0 }
        slowAnswers += 1
        // After a stall, here or there, some answers are late.
        guard slowAnswers > Self.lateAnswers else { return }
        rateLimitedLog.warning(
            "the round trip to the peer is too long for the timing; set a longer timeout on both servers", to: logger,
            at: now, metadata: [LogKey.roundTrip: "\(roundTrip)", LogKey.limit: "\(member.leaseDuration)"])
    }

    /// Publishes the role and whatever else is due, and sets the alarm for the next time.
    func tick(at now: MonotonicTime) {
        guard phase == .running else { return }
        let (due, reaction) = member.tick(at: now)
        if due.contains(.heartbeat) { publish(member.makeHeartbeat(at: now)) }
        // One of several links can be silent while the peer is heard by another.
        if !due.isEmpty { relinkWhatIsSilent(at: now) }
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
