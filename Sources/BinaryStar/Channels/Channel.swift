public import ZeroMQ

/// A further socket on a star's pump: for state updates between the servers, for events to subscribers, for whatever a
/// service needs beside its voters.
///
/// A channel that receives is an asynchronous sequence of messages. Each message goes to one of those who iterate.
/// Messages that nobody takes wait in a small buffer, and when that is full, in the senders.
///
/// ```swift
/// let updates = try await star.open(.sub(), connect: "tcp://other-machine:5006")
/// for await update in updates { await store.apply(update) }
/// ```
///
/// The socket closes when the channel is let go, and when the star stops: then sequences end and sending fails.
///
/// Source: zguide, chapter 4, `bstar_zloop`, which gives the application readers of its own on the reactor.
public final class Channel: Sendable {
    private let star: BinaryStar
    private let id: Int
    private let buffer: ChannelBuffer

    /// Where the channel is bound, with the port that was chosen, or `nil` if it is connected.
    public let boundEndpoint: String?

    init(star: BinaryStar, id: Int, buffer: ChannelBuffer, boundEndpoint: String?) {
        self.star = star
        self.id = id
        self.buffer = buffer
        self.boundEndpoint = boundEndpoint
    }

    deinit {
        // The socket belongs to the star's thread, which closes it.
        Task { [star, id] in await star.closeChannel(id) }
    }

    /// Sends a message.
    ///
    /// While the socket is full or has nobody to send to, the call waits, and so do those behind it. A PUB channel never
    /// waits: it drops what a subscriber has no room for.
    ///
    /// - Throws: ``BinaryStarError`` if the star has stopped or this type of channel does not send; `CancellationError`.
    public func send(_ message: Message) async throws {
        try await star.send(message, onChannel: id)
    }
}

extension Channel: AsyncSequence {
    public struct Iterator: AsyncIteratorProtocol {
        let channel: Channel

        public func next() async -> Message? { await channel.buffer.next() }

        public func next(isolation actor: isolated (any Actor)?) async -> Message? { await channel.buffer.next() }
    }

    public func makeAsyncIterator() -> Iterator { Iterator(channel: self) }
}
