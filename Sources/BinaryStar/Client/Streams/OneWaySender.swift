public import ZeroMQ

/// Sends messages that need no reply to the active server of a pair. See ``BinaryStarClient/openSender(primary:backup:)``.
///
/// The sockets close when the sender is let go, with what they have not sent.
public final class OneWaySender: Sendable {
    private let client: BinaryStarClient
    private let id: Int

    init(client: BinaryStarClient, id: Int) {
        self.client = client
        self.id = id
    }

    deinit {
        // The sockets belong to the client's thread, which closes them.
        Task { [client, id] in await client.closePort(id) }
    }

    /// Sends a message. It waits while the server that is followed has no connection or no room, and so do those behind it;
    /// when another server is followed, they go to that one.
    ///
    /// - Parameter message: one without frames is sent as one empty frame.
    /// - Throws: ``BinaryStarClientError`` if the client is closed or libzmq fails; `CancellationError` if the task is cancelled
    ///   before the message went.
    public func send(_ message: Message) async throws {
        try await client.send(message, onPort: id)
    }
}
