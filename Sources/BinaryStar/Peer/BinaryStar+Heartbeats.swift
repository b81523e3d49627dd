import BinaryStarCore
import Logging
import ZeroMQ

// What the peer says, and what it is told.
extension BinaryStar {
    /// Takes in all heartbeats that have arrived, each in its turn: with a classic peer every one of them counts.
    func receiveHeartbeats() {
        for subscriber in sockets.peerLink?.subscribers ?? [] {
            for connection in subscriber.connections { receiveHeartbeats(over: connection, of: subscriber) }
        }
    }

    private func receiveHeartbeats(over connection: PeerConnection, of subscriber: PeerSubscriber) {
        do throws(ZeroMQError) {
            // A peer cannot keep the pump here: what it sends beyond this waits for the next turn.
            for _ in 0..<Self.messagesPerTurn {
                // A heartbeat that came another way may have made this one superfluous.
                guard phase == .running, subscriber.has(connection) else { return }
                switch try connection.socket.receive(reusing: &connection.spare, maximumFrames: 2) {
                case .nothing: return
                case .tooManyFrames: reject(.tooManyFrames, nil, subscriber)
                case .message(let message):
                    handle(message, over: connection, of: subscriber)
                    connection.spare = message
                }
            }
        } catch {
            rateLimitedLog.warning(
                "cannot receive from the peer", to: logger, at: .now, metadata: [LogKey.error: "\(error)"])
        }
    }

    /// How many messages of one socket a turn takes in.
    static let messagesPerTurn = 64

    private func handle(_ message: Message, over connection: PeerConnection, of subscriber: PeerSubscriber) {
        switch Heartbeat.decode(message) {
        case .failure(let reason): reject(reason, nil, subscriber)
        case .success(let heartbeat): handle(heartbeat, over: connection, of: subscriber, at: .now)
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

    private func handle(
        _ heartbeat: Heartbeat, over connection: PeerConnection, of subscriber: PeerSubscriber, at now: MonotonicTime
    ) {
        let lastHeard = member.peer.lastHeard
        switch member.receive(heartbeat, at: now) {
        case .failure(let reason): reject(reason, heartbeat, subscriber)
        case .success(let reaction):
            if subscriber.heard(over: connection, at: now, in: pump.confined) { noteHeardAgain(over: subscriber) }
            statistics.heartbeatsReceived += 1
            checkRoundTrip(at: now)
            noteHeard(after: lastHeard, at: now)
            trace(.peer(heartbeat.role), reaction)
            settle(reaction, at: now)
            if let observer = sockets.observer, let sequence = heartbeat.extension?.sequence {
                observer(.judged(sequence: sequence, instant: .now))
            }
        }
    }

    /// Warns of a link that is so slow that no answer proves anything: neither server could become active on the other's word.
    private func checkRoundTrip(at now: MonotonicTime) {
        guard let roundTrip = member.peer.roundTrip, roundTrip >= member.leaseDuration else { return slowSince = nil }
        let since = slowSince ?? now
        slowSince = since
        // After a stall, here or there, some answers are late.
        guard now - since >= configuration.timing.timeout * 2 else { return }
        rateLimitedLog.warning(
            "the round trip to the peer is too long for the timing; set a longer timeout on both servers", to: logger,
            at: now, metadata: [LogKey.roundTrip: "\(roundTrip)", LogKey.limit: "\(member.leaseDuration)"])
    }

    /// Publishes the role and whatever else is due, and sets the alarm for the next time.
    func tick(at now: MonotonicTime) {
        guard phase == .running else { return }
        let (mustPublish, reaction) = member.tick(at: now)
        // Before what follows from it.
        noteSilence(at: now)
        if mustPublish, publish(member.makeHeartbeat(at: now)) { member.heartbeatWasSent(at: .now) }
        settle(reaction, at: now)
        // After the heartbeat, which must not wait for a backend.
        if mustPublish { pushMetrics(at: now) }
    }

    /// - Returns: whether it has gone out.
    private func publish(_ heartbeat: Heartbeat) -> Bool {
        var message = Message(frames: heartbeat.frames)
        let instant = sockets.observer == nil ? nil : MonotonicTime.now
        do throws(ZeroMQError) {
            _ = try sockets.peerLink?.publisher.send(&message)
            statistics.heartbeatsSent += 1
            if let instant, let sequence = heartbeat.extension?.sequence {
                sockets.observer?(.published(sequence: sequence, instant: instant))
            }
            return true
        } catch {
            rateLimitedLog.warning(
                "cannot publish the role", to: logger, at: .now, metadata: [LogKey.error: "\(error)"])
            return false
        }
    }
}

extension Heartbeat {
    /// Reads a heartbeat from the frames of a message.
    package static func decode(_ message: Message) -> Result<Heartbeat, HeartbeatRejection> {
        guard let first = message.first else { return .failure(.empty) }
        return first.withSpan { state in
            guard message.count > 1 else { return decode(frameCount: 1, state: state, extension: nil) }
            return message[1].withSpan {
                decode(frameCount: message.count, state: state, extension: $0)
            }
        }
    }
}
