public import ZeroMQ

/// What the active server of a pair publishes, as an asynchronous sequence. See
/// ``BinaryStarClient/subscribe(to:primary:backup:bufferedMessages:)``.
///
/// Each message goes to one of those who iterate. The sequence ends when the client is closed; the sockets close when the
/// subscription is let go.
public final class Subscription: Sendable {
    private let client: BinaryStarClient
    private let id: Int
    private let buffer: ChannelBuffer

    init(client: BinaryStarClient, id: Int, buffer: ChannelBuffer) {
        self.client = client
        self.id = id
        self.buffer = buffer
    }

    deinit {
        // The sockets belong to the client's thread, which closes them.
        Task { [client, id] in await client.closePort(id) }
    }
}

extension Subscription: AsyncSequence {
    public struct Iterator: AsyncIteratorProtocol {
        let subscription: Subscription

        public func next() async -> Message? { await subscription.buffer.next() }

        public func next(isolation actor: isolated (any Actor)?) async -> Message? { await subscription.buffer.next() }
    }

    public func makeAsyncIterator() -> Iterator { Iterator(subscription: self) }
}
