import BinaryStarCore
import ZeroMQ

/// One way to hear the peer: the connection to one of its endpoints, and, while nothing comes over that, attempts at another.
/// Used on the pump's thread only.
///
/// libzmq reconnects by itself when a connection breaks, but not after the other end has broken the protocol, be it only a port
/// scanner that listened there for a moment; and after a partition TCP may take seconds until it tries again. So a silent
/// connection is made anew after a while; and before that further ones are tried, each for a moment only, of which the first
/// that brings a heartbeat takes the place of the silent one. A link that is too slow for these has the time of the first.
final class PeerSubscriber {
    let endpoint: Endpoint
    private var connection: PeerConnection?
    private var attempt: PeerConnection?
    /// When a valid heartbeat came this way, in this life of the star.
    private(set) var lastHeard: MonotonicTime?
    /// Whether the connection broke, or nothing ever came over it.
    private(set) var isBroken = true

    init(_ endpoint: Endpoint) {
        self.endpoint = endpoint
    }

    /// Where heartbeats may come from, the older connection first.
    var connections: [PeerConnection] {
        var connections: [PeerConnection] = []
        if let connection { connections.append(connection) }
        if let attempt { connections.append(attempt) }
        return connections
    }

    /// Whether the connection is still one of this subscriber's.
    func has(_ other: PeerConnection) -> Bool { other === connection || other === attempt }

    /// Takes note of a valid heartbeat: where it came from is where further ones come from.
    ///
    /// - Returns: whether it was told that nothing comes this way.
    func heard(over source: PeerConnection, at now: MonotonicTime, in loop: PumpLoop) -> Bool {
        lastHeard = now
        isBroken = false
        defer { (missedSince, isMissed) = (nil, false) }
        guard let attempt else { return isMissed }
        if source === attempt { swap(&connection, &self.attempt) }
        self.attempt?.close(in: loop)
        self.attempt = nil
        return isMissed
    }

    func close(in loop: PumpLoop) {
        for connection in connections { connection.close(in: loop) }
        (connection, attempt) = (nil, nil)
    }

    // MARK: Breaks

    /// Reads what the monitors have to say. Returns whether the connection broke.
    func readMonitors() -> Bool {
        // An attempt that fails says nothing: another one follows.
        _ = attempt?.readMonitor()
        return connection?.readMonitor() ?? false
    }

    func broke() { isBroken = true }

    // MARK: Silence

    /// Since when nothing comes this way while the peer is heard another way, and whether that was told.
    private var missedSince: MonotonicTime?
    private var isMissed = false

    /// Whether heartbeats come this way.
    func isHeard(at now: MonotonicTime, for patience: Patience) -> Bool {
        lastHeard.map { now - $0 < patience.beforeAttempts } ?? false
    }

    /// Whether it is to be told that nothing comes this way: once, when it has been so for as long as makes a peer count as gone.
    func isNewlyMissed(
        whileHeardElsewhere isHeardElsewhere: Bool, at now: MonotonicTime, for patience: Patience
    ) -> Bool {
        guard isHeardElsewhere, !isHeard(at: now, for: patience) else {
            missedSince = nil
            return false
        }
        let since = missedSince ?? now
        missedSince = since
        guard !isMissed, now - since >= patience.beforeAttempts else { return false }
        isMissed = true
        return true
    }

    /// Since when nothing has come over the connection; `nil` if there is none.
    private var silentSince: MonotonicTime? { connection.map { max(lastHeard ?? $0.openedAt, $0.openedAt) } }

    /// What to do about a connection over which nothing comes.
    enum Remedy {
        /// Make it anew.
        case renew
        /// Try another one beside it, in the place of the last one that was tried.
        case tryAnother
    }

    /// When ``remedy(at:)`` has to be asked again.
    func nextRemedy(for patience: Patience) -> MonotonicTime {
        guard let silentSince else { return .distantPast }
        return min(silentSince + patience.ofConnection, nextAttempt(after: silentSince, patience))
    }

    private func nextAttempt(after silentSince: MonotonicTime, _ patience: Patience) -> MonotonicTime {
        let overdue = (lastHeard ?? silentSince) + patience.beforeAttempts
        return max(overdue, (attempt?.openedAt).map { $0 + patience.ofAttempt } ?? overdue)
    }

    /// Whether something is to be done about the connection's silence.
    func remedy(at now: MonotonicTime, for patience: Patience) -> Remedy? {
        guard nextRemedy(for: patience) <= now else { return nil }
        guard let silentSince, now - silentSince < patience.ofConnection else { return .renew }
        return .tryAnother
    }

    /// Closes what is to be made anew.
    func discard(for remedy: Remedy, in loop: PumpLoop) {
        switch remedy {
        case .renew:
            connection?.close(in: loop)
            connection = nil
            isBroken = true
        case .tryAnother:
            attempt?.close(in: loop)
            attempt = nil
        }
    }

    /// Takes what was made anew.
    func use(_ new: PeerConnection, for remedy: Remedy) {
        switch remedy {
        case .renew: connection = new
        case .tryAnother: attempt = new
        }
    }

    /// How long to wait for a heartbeat.
    struct Patience {
        /// On one connection.
        let ofConnection: Duration
        /// Since the last one, until others are tried.
        let beforeAttempts: Duration
        /// On such an attempt.
        let ofAttempt: Duration

        /// - Parameter expiry: after which the peer counts as gone.
        init(expiry: Duration, interval: Duration) {
            ofConnection = max(expiry, Self.shortest)
            beforeAttempts = expiry
            ofAttempt = min(max(interval / 4, .milliseconds(20)), .milliseconds(250))
        }

        /// Connecting to a server that is far away takes its time.
        private static let shortest = Duration.seconds(1)
    }
}
