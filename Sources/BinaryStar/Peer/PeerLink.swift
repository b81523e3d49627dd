import BinaryStarCore
import ZeroMQ

/// The two sockets between the servers of a pair: one publishes this server's role, the other hears the peer's.
/// Used on the pump's thread only.
final class PeerLink {
    let publisher: PumpedSocket
    let endpoint: String
    var subscriber: PumpedSocket
    /// Tells when the subscriber's connection breaks.
    var monitor: PumpedSocket?
    /// A message whose memory the next receive may use.
    var spare: Message?

    init(publisher: PumpedSocket, endpoint: String, subscriber: PumpedSocket) {
        self.publisher = publisher
        self.endpoint = endpoint
        self.subscriber = subscriber
    }

    /// Takes the subscriber and its monitor out of the pump, which closes them.
    func closeSubscriber(in loop: PumpLoop) {
        if let monitor {
            subscriber.socket.stopMonitor()
            loop.remove(monitor)
        }
        monitor = nil
        loop.remove(subscriber)
    }

    /// A heartbeat that waits for long is worth nothing.
    private static let queueLength: Int32 = 16
    /// Above what any peer of ours sends. libzmq drops the connection of a peer that sends more, before it takes the memory
    /// for it.
    private static let maximumFrameSize: Int64 = 2 << 20

    static func bindPublisher(_ endpoint: String, in loop: PumpLoop) throws(ZeroMQError) -> Socket {
        let socket = try loop.makeSocket(.pub)
        try socket.set(.sendHighWaterMark, queueLength)
        // All that a subscriber sends are its subscriptions.
        try socket.set(.maximumFrameSize, 8 << 10)
        try socket.bind(endpoint)
        return socket
    }

    /// A subscriber that is not connected yet.
    static func makeSubscriber(
        timing: HeartbeatTiming,
        in loop: PumpLoop
    ) throws(ZeroMQError) -> Socket {
        let socket = try loop.makeSocket(.sub)
        try socket.set(.receiveHighWaterMark, queueLength * 4)
        try socket.set(.maximumFrameSize, maximumFrameSize)
        try socket.set(.reconnectInterval, 100)
        // A lost SYN is tried again by the kernel after a second or more; this gives up earlier.
        try socket.set(.connectTimeout, Int32(clamping: max(100, timing.timeout.wholeNanoseconds / 1_000_000)))
        try socket.set(.subscribe, "")
        return socket
    }
}
