import BinaryStarCore
import Logging
import ZeroMQ

// Streams beside the requests. They follow the server that the requests go to.
extension BinaryStarClient {
    /// Subscribes to what the active server publishes.
    ///
    /// ```swift
    /// let prices = try await client.subscribe(
    ///     to: ["price."], primary: "tcp://machine-a:5006", backup: "tcp://machine-b:5006")
    /// for await price in prices { … }
    /// ```
    ///
    /// Each server publishes on a PUB channel of its star, see ``BinaryStar/BinaryStar/open(_:bind:bufferedMessages:)``.
    /// The client is connected to both, and hands on what comes from the server that it follows; what the other one says is
    /// dropped. It follows by its requests: one that has asked the pair at least once is told of a change of role.
    ///
    /// As always with PUB, nothing is sent again: around a failover messages may be missing, and whoever needs all of them
    /// numbers them and asks for what is missing by a request.
    ///
    /// - Parameters:
    ///   - topics: prefixes of the first frame; the empty one is everything.
    ///   - primary: where the primary publishes.
    ///   - backup: where the backup publishes.
    ///   - bufferedMessages: how many messages wait for the reader, at most. While there are as many, libzmq keeps further ones
    ///     up to its own limit of 1,000 a server, and then they are dropped by the publisher. From 1.
    /// - Throws: ``BinaryStarError`` if an endpoint is not valid; ``BinaryStarClientError`` if the client is closed.
    public func subscribe(
        to topics: [String] = [""],
        primary: String,
        backup: String,
        bufferedMessages: Int = 64
    ) throws -> Subscription {
        guard bufferedMessages >= 1 else {
            throw BinaryStarError.invalid("bufferedMessages", bufferedMessages, "it must be at least 1")
        }
        let id = links.nextPortID()
        let readOn = PumpSignal(pump: pump) { [weak self] in
            self?.assumeIsolated { client in client.links.ports[id]?.readOn(in: client.pump.confined) }
        }
        let buffer = ChannelBuffer(capacity: bufferedMessages, readOn: readOn)
        try open(id, .incoming(buffer), .sub, primary: primary, backup: backup) { socket throws(ZeroMQError) in
            for topic in topics { try socket.set(.subscribe, topic) }
        }
        return Subscription(client: self, id: id, buffer: buffer)
    }

    /// Opens a way for messages that need no reply, to the PULL voters of the pair.
    ///
    /// ```swift
    /// let events = try await client.openSender(primary: "tcp://machine-a:5007", backup: "tcp://machine-b:5007")
    /// try await events.send("user 17 signed in")
    /// ```
    ///
    /// A message goes to the server that the client follows at that moment, at most once: what is on its way when a server
    /// ends is lost, and a server that is not active drops it. Use ``request(_:timeout:delivery:)`` for what must arrive.
    ///
    /// - Parameters:
    ///   - primary: where the primary's PULL voter is bound.
    ///   - backup: where the backup's is.
    /// - Throws: ``BinaryStarError`` if an endpoint is not valid; ``BinaryStarClientError`` if the client is closed.
    public func openSender(primary: String, backup: String) throws -> OneWaySender {
        let id = links.nextPortID()
        try open(id, .outgoing, .push, primary: primary, backup: backup) { socket throws(ZeroMQError) in
            // What waits for a server that is gone would reach it when it comes back, however old.
            try socket.set(.immediate, 1)
        }
        return OneWaySender(client: self, id: id)
    }

    private func open(
        _ id: Int,
        _ direction: FollowedPort.Direction,
        _ type: SocketType,
        primary: String,
        backup: String,
        configure: (borrowing Socket) throws(ZeroMQError) -> Void
    ) throws {
        guard !isClosed else { throw BinaryStarClientError.closed }
        let endpoints = [
            try Endpoint(primary, field: "primary", use: .connect),
            try Endpoint(backup, field: "backup", use: .connect),
        ]
        guard primary != backup else {
            throw BinaryStarError.invalid("backup", "\"\(backup)\"", "it is the primary's endpoint too")
        }
        connectIfNeeded()
        do throws(ZeroMQError) {
            var sockets: [PumpedSocket] = []
            for (seat, endpoint) in zip([Seat.primary, .backup], endpoints) {
                let socket = try pump.confined.makeSocket(type)
                try socket.set(.maximumFrameSize, Int64(configuration.maximumReplyFrameSize))
                try socket.set(.connectTimeout, Self.connectTimeout)
                try configure(socket)
                try socket.connect(endpoint.text)
                sockets.append(
                    try PumpedSocket(socket, priority: .data) { [weak self] events in
                        self?.assumeIsolated { $0.serve(port: id, seat, events) }
                    })
            }
            links.ports[id] = FollowedPort(
                direction, Both(primary: sockets[0], backup: sockets[1]), following: follower.following,
                in: pump.confined)
        } catch {
            throw BinaryStarClientError(.socketFailed, "\(error)", underlying: error)
        }
    }

    private func serve(port id: Int, _ seat: Seat, _ events: PollSet.Events) {
        guard let port = links.ports[id] else { return }
        if events.contains(.writable) { port.flush(in: pump.confined) }
        guard events.contains(.readable) else { return }
        do throws(ZeroMQError) {
            try port.read(from: seat, in: pump.confined)
        } catch {
            rateLimitedLog.warning(
                "cannot receive what is published", to: logger, at: .now, metadata: [LogKey.error: "\(error)"])
        }
    }

    func closePort(_ id: Int) {
        links.ports.removeValue(forKey: id)?.close(in: pump.confined)
    }

    func send(_ message: Message, onPort id: Int) async throws {
        guard let port = links.ports[id] else { throw BinaryStarClientError.closed }
        try Task.checkCancellation()
        let message = message.isEmpty ? Message("") : message
        if try port.sendAtOnce(message) { return }
        let sendID = port.nextSendID()
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                // Asked here and not before: the call may let other work of the actor in between.
                guard links.ports[id] != nil else { return continuation.resume(throwing: BinaryStarClientError.closed) }
                guard !Task.isCancelled else { return continuation.resume(throwing: CancellationError()) }
                port.enqueue(message, id: sendID, continuation, in: pump.confined)
            }
        } onCancel: {
            Task { await self.cancelSend(sendID, onPort: id) }
        }
    }

    private func cancelSend(_ sendID: Int, onPort id: Int) {
        links.ports[id]?.cancel(sendID, in: pump.confined)
    }
}
