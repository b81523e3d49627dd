import BinaryStarCore
import Logging
import ZeroMQ

// The pump only receives and sends: requests are read, and responses written, on other threads.
extension BinaryStar {
    /// Opens the control socket that the configuration asks for, if it does.
    func openControl() throws(BinaryStarError) {
        guard sockets.control == nil, let text = configuration.control else { return }
        try openControl(at: text)
    }

    /// Opens the control socket beside what the configuration says, for a program that goes on without one. Requests wait until
    /// the star runs.
    ///
    /// - Throws: ``BinaryStarError`` if the endpoint is not valid, or the path is taken.
    package func openControl(at text: String) throws(BinaryStarError) {
        guard phase != .ended else { throw .stopped }
        let endpoint = try Endpoint(control: text)
        let port = try ControlPort(endpoint, in: pump.confined) { [weak self] in
            self?.assumeIsolated { $0.receiveControlRequests() }
        }
        sockets.control = port
        pump.confined.insert(port.pumped, events: phase == .running ? .readable : [])
        logger.debug("control socket open", metadata: [LogKey.endpoint: "\(text)"])
    }

    /// Has requests answered, as many as may be at a time.
    func receiveControlRequests() {
        guard let port = sockets.control, phase == .running else { return }
        do throws(ZeroMQError) {
            for _ in 0..<ControlPort.concurrency where port.inFlight < ControlPort.concurrency {
                switch try port.pumped.receive(reusing: &port.spare, maximumFrames: Self.controlFrames) {
                case .nothing: return
                case .tooManyFrames:
                    rateLimitedLog.warning("control request dropped: too many frames", to: logger, at: .now)
                case .message(let message): answerControlRequest(message, port)
                }
            }
        } catch {
            rateLimitedLog.warning(
                "cannot receive a control request", to: logger, at: .now, metadata: [LogKey.error: "\(error)"])
        }
        if port.inFlight >= ControlPort.concurrency { pump.confined.setEvents([], of: port.pumped) }
    }

    /// The identity, an envelope of a few proxies, the delimiter, and the request.
    private static let controlFrames = 8

    private func answerControlRequest(_ message: Message, _ port: ControlPort) {
        port.inFlight += 1
        // A copy, so that a request that takes long pins no buffer of libzmq's.
        let message = message.compactCopy
        Task.detached { [weak self] in
            let envelope = message.envelope(identityFrames: 1)
            let body = message.rest(from: envelope.count)
            guard let reply = await self?.controlResponse(to: body) else { return }
            await self?.sendControlReply(message.prefixCopy(envelope.count).followed(by: [reply]))
        }
    }

    /// Does not run on the pump, apart from the command itself.
    private nonisolated func controlResponse(to body: Message) async -> [UInt8] {
        var response: ControlResponse
        do throws(ControlRequest.Refused) {
            guard body.count == 1 else {
                throw .init(error: ControlError(.malformed, "a request is one frame, not \(body.count)"))
            }
            let request = try ControlRequest.decode(body[0].bytes)
            do throws(BinaryStarError) {
                response = try await perform(request)
            } catch {
                response = ControlResponse(error: ControlError(error))
            }
            response.id = request.id
        } catch {
            await noteBadControlRequest(error.error)
            response = ControlResponse(id: error.id, error: error.error)
        }
        // Numbers, names and strings: they can always be encoded.
        return Array(((try? JSON(encoding: response))?.text ?? "").utf8)
    }

    private func perform(_ request: ControlRequest) async throws(BinaryStarError) -> ControlResponse {
        switch request.command {
        case .status: break
        case .history: return ControlResponse(history: records.suffix(max(1, request.limit ?? .max)))
        case .stepDown: try await stepDown()
        case .promote: try promote()
        case .pause: pause()
        case .resume: resume()
        case .drain: try await drain()
        }
        if request.command != .status {
            logger.notice("operator's command done", metadata: [LogKey.command: "\(request.command)"])
        }
        return ControlResponse(status: status)
    }

    private func noteBadControlRequest(_ error: ControlError) {
        rateLimitedLog.warning(
            "control request refused: \(error.code)", to: logger, at: .now,
            metadata: [LogKey.reason: "\(error.message)"])
    }

    private func sendControlReply(_ reply: consuming Message) {
        guard let port = sockets.control else { return }
        port.inFlight -= 1
        // A client that is gone or does not read costs nothing more than its reply.
        _ = try? port.pumped.send(&reply)
        pump.confined.setEvents(phase == .running ? .readable : [], of: port.pumped)
    }
}
