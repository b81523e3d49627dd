import BinaryStarCore
import Logging

/// What the log was last told of the peer, so that it is told each change once.
enum PeerHearing {
    /// Not heard, and the timeout since the start is not over.
    case awaited
    /// Not heard since the start.
    case missed
    case heard
    /// Heard before, and silent for the timeout.
    case silent
    /// Its process was seen to be gone.
    case gone
}

// How the log tells of the peer's silence: an outage in which no role changes is one nevertheless.
extension BinaryStar {
    /// Logs that the peer has fallen silent, or has not been heard yet when it should have been.
    func noteSilence(at now: MonotonicTime) {
        guard hearing == .awaited || hearing == .heard, member.isPeerExpired(at: now) else { return }
        if let lastHeard = member.peer.lastHeard {
            hearing = .silent
            logger.warning(
                "the peer is silent",
                metadata: [
                    LogKey.silence: "\((now - lastHeard).logged)", LogKey.role: "\(member.role)",
                    LogKey.connect: "\(configuration.allConnect)",
                ])
        } else {
            hearing = .missed
            logger.warning(
                "the peer has not been heard since the start", metadata: [LogKey.connect: "\(configuration.allConnect)"]
            )
        }
    }

    /// Logs that the peer's process is gone, whose silence will then be no news.
    func noteDeath(at now: MonotonicTime) {
        hearing = .gone
        var metadata: Logger.Metadata = [LogKey.connect: "\(configuration.connect)"]
        if let lastHeard = member.peer.lastHeard { metadata[LogKey.silence] = "\((now - lastHeard).logged)" }
        logger.warning("the peer's process is gone", metadata: metadata)
    }

    /// Logs that the peer is heard, if that is news.
    ///
    /// - Parameter last: when it was heard before.
    func noteHeard(after last: MonotonicTime?, at now: MonotonicTime) {
        guard hearing != .heard else { return }
        hearing = .heard
        var metadata: Logger.Metadata = [LogKey.peerRole: "\(member.peer.role.map { "\($0)" } ?? "")"]
        if member.peer.kind == .extended { metadata[LogKey.peerTerm] = "\(member.peer.term)" }
        if let last { metadata[LogKey.silence] = "\((now - last).logged)" }
        logger.info(last == nil ? "the peer is heard" : "the peer is heard again", metadata: metadata)
    }

    // MARK: One of several links

    /// Logs that nothing comes over a link while the peer is heard over another one: the next failure of a link may be an outage.
    func noteMissedLinks(_ link: PeerLink, at now: MonotonicTime, for patience: PeerSubscriber.Patience) {
        for subscriber in link.subscribers {
            let isHeardElsewhere = link.subscribers.contains {
                $0 !== subscriber && $0.isHeard(at: now, for: patience)
            }
            guard subscriber.isNewlyMissed(whileHeardElsewhere: isHeardElsewhere, at: now, for: patience) else {
                continue
            }
            var metadata: Logger.Metadata = [LogKey.connect: "\(subscriber.endpoint.text)"]
            if let lastHeard = subscriber.lastHeard { metadata[LogKey.silence] = "\((now - lastHeard).logged)" }
            logger.warning("a link to the peer brings nothing; another one does", metadata: metadata)
        }
    }

    func noteHeardAgain(over subscriber: PeerSubscriber) {
        logger.info(
            "the link to the peer brings heartbeats again", metadata: [LogKey.connect: "\(subscriber.endpoint.text)"])
    }
}

extension Duration {
    /// As the log has it: `0.42 ms`, `252 ms`, `1.38 s`.
    var logged: String {
        // Of a duration that is too long to be one, no more than that is said.
        let microseconds = Int(min(self / .microseconds(1), 1e15).rounded())
        func text(_ hundredths: Int) -> String {
            let fraction = hundredths % 100
            return "\(hundredths / 100).\(fraction < 10 ? "0" : "")\(fraction)"
        }
        switch microseconds {
        case ..<10_000: return "\(text(microseconds / 10)) ms"
        case ..<1_000_000: return "\((microseconds + 500) / 1_000) ms"
        default: return "\(text((microseconds + 5_000) / 10_000)) s"
        }
    }
}
