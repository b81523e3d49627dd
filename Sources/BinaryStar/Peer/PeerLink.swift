import BinaryStarCore
import ZeroMQ

/// How the two servers hear each other: a socket that publishes this server's role at every listen endpoint, and a subscriber
/// for each endpoint of the peer's. Used on the pump's thread only.
final class PeerLink {
    let publisher: PumpedSocket
    /// Where the publisher listens.
    let endpoints: [String]
    let subscribers: [PeerSubscriber]
    /// Goes off when something may have to be done about silent connections.
    let alarm: PumpTimer
    /// Whether the peer's ports are being asked whether its process is gone, and whether that has to be asked again.
    var isProbing = false
    var mustProbeAgain = false

    init(publisher: PumpedSocket, endpoints: [String], subscribers: [PeerSubscriber], alarm: PumpTimer) {
        self.publisher = publisher
        self.endpoints = endpoints
        self.subscribers = subscribers
        self.alarm = alarm
    }

    /// Whether nothing leads to the peer any more: its process may be gone.
    var isBroken: Bool { subscribers.allSatisfy(\.isBroken) }

    /// Takes everything out of the pump, which closes the sockets.
    func close(in loop: PumpLoop) {
        loop.remove(alarm)
        loop.remove(publisher)
        for subscriber in subscribers { subscriber.close(in: loop) }
    }

    /// A heartbeat that waits for long is worth nothing.
    static let queueLength: Int32 = 16

    /// A publisher that listens at the endpoints, and what they are with the ports that the system chose.
    ///
    /// - Parameter onSubscription: called when somebody began to listen.
    static func bindPublisher(
        _ endpoints: [String],
        in loop: PumpLoop,
        onMessage: @escaping () -> Void
    ) throws(ZeroMQError) -> (PumpedSocket, [String]) {
        // An XPUB is a PUB that tells who subscribes.
        let socket = try loop.makeSocket(.xpub)
        try socket.set(.publisherVerbose, 1)
        try socket.set(.sendHighWaterMark, queueLength)
        try socket.set(.receiveHighWaterMark, queueLength)
        // All that a subscriber sends are its subscriptions.
        try socket.set(.maximumFrameSize, 8 << 10)
        var bound: [String] = []
        for endpoint in endpoints {
            try socket.bind(endpoint)
            bound.append(try socket.lastEndpoint)
        }
        return (try PumpedSocket(socket, priority: .control) { _ in onMessage() }, bound)
    }
}
