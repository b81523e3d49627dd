import BinaryStarCore
import Logging
import ZeroMQ

// The way to the peer: opened, watched, and made anew. What comes over it is in `BinaryStar+Heartbeats.swift`.
extension BinaryStar {
    /// Opens the sockets of the peer link.
    func openPeerLink() throws(BinaryStarError) {
        let loop = pump.confined
        let publisher: PumpedSocket
        let endpoints: [String]
        do throws(ZeroMQError) {
            (publisher, endpoints) = try PeerLink.bindPublisher(configuration.allListen, in: loop) { [weak self] in
                self?.assumeIsolated { $0.receiveSubscriptions() }
            }
        } catch {
            throw .unavailable("listen", error)
        }
        var subscribers: [PeerSubscriber] = []
        for endpoint in configuration.allConnect {
            subscribers.append(PeerSubscriber(try Endpoint(endpoint, field: "connect", use: .connect)))
        }
        let alarm = PumpTimer { [weak self] now in self?.assumeIsolated { $0.mendLinks(at: now) } }
        loop.insert(publisher, events: .readable)
        loop.insert(alarm)
        let link = PeerLink(publisher: publisher, endpoints: endpoints, subscribers: subscribers, alarm: alarm)
        sockets.peerLink = link
        do throws(ZeroMQError) {
            for subscriber in subscribers { try mend(subscriber, .renew) }
        } catch {
            throw .unavailable("connect", error)
        }
        mendLinks(at: .now)
    }

    /// Somebody has begun to listen: it is told the role without waiting for the next beat.
    private func receiveSubscriptions() {
        guard phase == .running, let publisher = sockets.peerLink?.publisher else { return }
        var isNew = false
        do throws(ZeroMQError) {
            // What comes beyond this waits for the next turn.
            for _ in 0..<Self.messagesPerTurn {
                guard let message = try publisher.receive() else { break }
                // The first byte of a subscription is 1, of its end 0.
                if message.first?.withSpan({ !$0.isEmpty && $0[0] == 1 }) == true { isNew = true }
            }
        } catch {
            rateLimitedLog.warning(
                "cannot receive subscriptions", to: logger, at: .now, metadata: [LogKey.error: "\(error)"])
        }
        guard isNew else { return }
        let now = MonotonicTime.now
        member.wasSubscribedTo(at: now)
        settle(.none, at: now)
    }

    // MARK: Silent connections

    /// Does what is due about connections over which nothing comes.
    private func mendLinks(at now: MonotonicTime) {
        guard phase == .running, let link = sockets.peerLink else { return }
        let patience = PeerSubscriber.Patience(expiry: member.expiry, interval: configuration.timing.interval)
        if link.subscribers.contains(where: { $0.remedy(at: now, for: patience) != nil }) {
            // After a stall what the peer has said may not be read yet.
            receiveHeartbeats()
            guard phase == .running else { return }
        }
        for subscriber in link.subscribers {
            guard let remedy = subscriber.remedy(at: now, for: patience) else { continue }
            do throws(ZeroMQError) {
                try mend(subscriber, remedy)
            } catch {
                rateLimitedLog.warning(
                    "cannot connect to the peer", to: logger, at: .now, metadata: [LogKey.error: "\(error)"])
            }
        }
        noteMissedLinks(link, at: now, for: patience)
        // Heartbeats only put it off, so that nothing is missed; at the latest after the shortest time that counts.
        let next = link.subscribers.map { $0.nextRemedy(for: patience) }.min()
        link.alarm.deadline = next.map { max($0, now + patience.ofAttempt) }
    }

    private func mend(_ subscriber: PeerSubscriber, _ remedy: PeerSubscriber.Remedy) throws(ZeroMQError) {
        logger.trace(
            "connecting to the peer",
            metadata: [LogKey.connect: "\(subscriber.endpoint.text)", LogKey.reason: "\(remedy)"])
        subscriber.discard(for: remedy, in: pump.confined)
        let connection = try PeerConnection(
            to: subscriber.endpoint.text, in: pump.confined, timing: configuration.timing
        ) { [weak self] in
            self?.assumeIsolated { $0.receiveHeartbeats() }
        } onMonitor: { [weak self] in
            self?.assumeIsolated { $0.readPeerMonitors() }
        }
        subscriber.use(connection, for: remedy)
    }

    // MARK: Proof of death

    private func readPeerMonitors() {
        guard let link = sockets.peerLink else { return }
        let broken = link.subscribers.filter { $0.readMonitors() }
        guard !broken.isEmpty, phase == .running else { return }
        // What the peer said before counts first.
        receiveHeartbeats()
        for subscriber in broken { subscriber.broke() }
        // One that is heard another way lives.
        guard phase == .running, configuration.trustsRefusedConnections, link.isBroken else { return }
        let now = MonotonicTime.now
        member.peerLinkBroke(at: now)
        settle(.none, at: now)
        probePeer()
    }

    private func probePeer() {
        guard let link = sockets.peerLink else { return }
        // One at a time, however often a connection breaks.
        guard !link.isProbing else { return link.mustProbeAgain = true }
        link.isProbing = true
        let peer = member.peer
        PortProbe.start(link.subscribers.map(\.endpoint), limit: configuration.timing.interval) {
            [weak self, pump] verdict in
            PumpSignal(pump: pump) { [weak self] in
                self?.assumeIsolated { $0.peerWasProbed(peer, verdict) }
            }.raise()
        }
    }

    private func peerWasProbed(_ peer: Peer, _ verdict: PortProbe.Verdict) {
        guard phase == .running, let link = sockets.peerLink else { return }
        link.isProbing = false
        receiveHeartbeats()
        if case .refused(let asked) = verdict, phase == .running { peerRefusedConnection(peer, askedAt: asked) }
        let mustProbeAgain = link.mustProbeAgain
        link.mustProbeAgain = false
        if mustProbeAgain, phase == .running, link.isBroken { probePeer() }
    }

    private func peerRefusedConnection(_ peer: Peer, askedAt asked: MonotonicTime) {
        // One that was heard since has started again; but an extended one may only have come late with its last words.
        let isSameLife =
            peer.kind == .extended
            ? member.peer.incarnation == peer.incarnation : member.peer.lastHeard == peer.lastHeard
        guard isSameLife else { return }
        let now = MonotonicTime.now
        noteDeath(at: now)
        settle(member.peerDied(at: now, askedAt: asked), at: now)
    }
}
