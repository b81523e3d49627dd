import BinaryStarCore
import Logging
import ZeroMQ

extension BinaryStar {
    /// Opens a socket on the star's pump that is bound to `endpoint`.
    ///
    /// - Parameters:
    ///   - type: the kind of socket.
    ///   - endpoint: `tcp://HOST:PORT`, with `*` for every address and as a port for one that the system chooses; or
    ///     `ipc://PATH`.
    ///   - bufferedMessages: how many received messages wait in the channel, at most. From 1.
    /// - Throws: ``BinaryStarError`` if the endpoint is not valid or cannot be bound, or if the star has stopped.
    public func open(
        _ type: ChannelType,
        bind endpoint: String,
        bufferedMessages: Int = 64
    ) throws(BinaryStarError) -> Channel {
        let checked = try Endpoint(endpoint, field: "channel", use: .bind)
        return try open(type, checked, .bind, bufferedMessages)
    }

    /// Opens a socket on the star's pump that is connected to `endpoint`. Nobody needs to listen there yet.
    ///
    /// - Parameters:
    ///   - type: the kind of socket.
    ///   - endpoint: `tcp://HOST:PORT` or `ipc://PATH`.
    ///   - bufferedMessages: how many received messages wait in the channel, at most. From 1.
    /// - Throws: ``BinaryStarError`` if the endpoint is not valid, or if the star has stopped.
    public func open(
        _ type: ChannelType,
        connect endpoint: String,
        bufferedMessages: Int = 64
    ) throws(BinaryStarError) -> Channel {
        let checked = try Endpoint(endpoint, field: "channel", use: .connect)
        return try open(type, checked, .connect, bufferedMessages)
    }

    private func open(
        _ type: ChannelType,
        _ endpoint: Endpoint,
        _ use: Endpoint.Use,
        _ capacity: Int
    ) throws(BinaryStarError) -> Channel {
        guard phase != .ended else { throw .stopped }
        guard capacity >= 1 else { throw .invalid("bufferedMessages", capacity, "it must be at least 1") }
        let id = sockets.channelCount
        sockets.channelCount += 1
        do throws(ZeroMQError) {
            let socket = try pump.confined.makeSocket(type.socketType)
            try socket.set(.maximumFrameSize, type == .pub ? Self.longestSubscription : Self.maximumFrameSize)
            if case .sub(let topics) = type {
                for topic in topics { try socket.set(.subscribe, topic) }
            }
            if type == .router { try socket.set(.routerMandatory, 1) }
            var bound: String?
            switch use {
            case .bind:
                try socket.bind(endpoint.text)
                bound = try socket.lastEndpoint
            case .connect: try socket.connect(endpoint.text)
            }
            let readOn = PumpSignal(pump: pump) { [weak self] in self?.assumeIsolated { $0.readOn(channel: id) } }
            let buffer = ChannelBuffer(capacity: capacity, readOn: readOn)
            let pumped = try PumpedSocket(socket, priority: .data) { [weak self] events in
                self?.assumeIsolated { $0.serve(channel: id, events) }
            }
            let port = ChannelPort(
                type: type, pumped: pumped, boundEndpoints: bound.map { [$0] } ?? [], buffer: buffer)
            sockets.channels[id] = port
            pump.confined.insert(pumped, events: port.events)
            return Channel(star: self, id: id, buffer: buffer, boundEndpoint: bound)
        } catch {
            throw .unavailable("channel", error)
        }
    }

    /// The longest frame that a channel takes, in bytes. A longer one costs the sender its connection.
    private static let maximumFrameSize: Int64 = 64 << 20
    /// The longest topic that a subscriber of a PUB channel may ask for, in bytes.
    private static let longestSubscription: Int64 = 8 << 10
    /// How many frames a message on a channel may have. Longer ones are dropped.
    private static let maximumFrameCount = 1_024

    func closeChannel(_ id: Int) {
        sockets.channels.removeValue(forKey: id)?.close(in: pump.confined)
    }

    private func serve(channel id: Int, _ events: PollSet.Events) {
        guard let port = sockets.channels[id] else { return }
        if events.contains(.writable) { flush(port) }
        if events.contains(.readable) { read(port) }
        pump.confined.setEvents(port.events, of: port.pumped)
    }

    // MARK: Receiving

    private func readOn(channel id: Int) {
        guard let port = sockets.channels[id] else { return }
        port.isReading = true
        pump.confined.setEvents(port.events, of: port.pumped)
    }

    private func read(_ port: ChannelPort) {
        do throws(ZeroMQError) {
            var spare: Message?
            while port.isReading {
                switch try port.pumped.receive(reusing: &spare, maximumFrames: Self.maximumFrameCount) {
                case .message(let message): port.isReading = port.buffer.add(message)
                case .tooManyFrames:
                    rateLimitedLog.warning("message dropped: too many frames", to: logger, at: .now)
                case .nothing: return
                }
                if MonotonicTime.now >= pump.confined.budgetEnd { return }
            }
        } catch {
            rateLimitedLog.warning(
                "cannot receive on a channel", to: logger, at: .now, metadata: [LogKey.error: "\(error)"])
        }
    }

    // MARK: Sending

    func send(_ message: Message, onChannel id: Int) async throws {
        guard let port = sockets.channels[id] else { throw BinaryStarError.stopped }
        guard port.type.sends else {
            throw BinaryStarError(.unsupported, "a \(port.type.socketType.name) channel only receives")
        }
        try Task.checkCancellation()
        if port.unsent.isEmpty {
            var message = message
            if try isSent(&message, on: port) { return }
        }
        let sendID = port.unsent.nextID()
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                // Asked here and not before: the call may let other work of the actor in between.
                guard sockets.channels[id] != nil else { return continuation.resume(throwing: BinaryStarError.stopped) }
                guard !Task.isCancelled else { return continuation.resume(throwing: CancellationError()) }
                port.unsent.append(message, id: sendID, continuation)
                pump.confined.setEvents(port.events, of: port.pumped)
            }
        } onCancel: {
            Task { await self.cancelSend(sendID, onChannel: id) }
        }
    }

    private func cancelSend(_ sendID: Int, onChannel id: Int) {
        guard let port = sockets.channels[id] else { return }
        port.unsent.cancel(sendID)
        pump.confined.setEvents(port.events, of: port.pumped)
    }

    /// Returns false if there is no room at the moment.
    private func isSent(_ message: inout Message, on port: ChannelPort) throws(BinaryStarError) -> Bool {
        let sent: Socket.Sent
        do throws(ZeroMQError) {
            sent = try port.pumped.send(&message)
        } catch {
            throw .failed(error)
        }
        switch sent {
        case .sent: return true
        case .full: return false
        case .noPeer:
            throw BinaryStarError(
                .unsupported, "the receiver that the message's first frame names is not connected")
        }
    }

    private func flush(_ port: ChannelPort) {
        port.unsent.flush { try isSent(&$0, on: port) }
    }
}
