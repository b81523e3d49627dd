import BinaryStar

/// A service that any REP or ROUTER socket offers, behind the star: requests go to it with a number in the envelope, which
/// it returns with the reply.
actor Upstream {
    struct TimedOut: Error, CustomStringConvertible {
        let timeout: Duration
        var description: String { "the upstream service has not replied within \(timeout.short)" }
    }

    private let channel: Channel
    private let timeout: Duration
    private var pending: [UInt64: CheckedContinuation<Message?, Never>] = [:]
    private var lastNumber: UInt64 = 0
    private var reader: Task<Void, Never>?

    init(_ channel: Channel, timeout: Duration) {
        self.channel = channel
        self.timeout = timeout
    }

    /// Returns the service's reply to `body`.
    func forward(_ body: Message) async throws -> Message {
        startReading()
        lastNumber += 1
        let number = lastNumber
        let envelope: [[UInt8]] = [withUnsafeBytes(of: number.bigEndian) { Array($0) }, []]
        let request = Message(frames: envelope + body.map(\.bytes))
        // Sending waits too while the service is away.
        let sending = Task { try await channel.send(request) }
        let expiry = Task {
            try await Task.sleep(for: timeout)
            finish(number, with: nil)
        }
        defer {
            sending.cancel()
            expiry.cancel()
        }
        let reply = await withTaskCancellationHandler {
            await withCheckedContinuation { pending[number] = $0 }
        } onCancel: {
            Task { await self.finish(number, with: nil) }
        }
        try Task.checkCancellation()
        guard let reply else { throw TimedOut(timeout: timeout) }
        return reply
    }

    private func startReading() {
        guard reader == nil else { return }
        reader = Task { [channel, weak self] in
            for await message in channel { await self?.accept(message) }
        }
    }

    private func accept(_ message: Message) {
        guard message.count >= 2, message[0].count == 8, message[1].isEmpty else { return }
        let number = message[0].bytes.reduce(0) { $0 << 8 | UInt64($1) }
        finish(number, with: Message(frames: message.dropFirst(2).map(\.bytes)))
    }

    private func finish(_ number: UInt64, with reply: Message?) {
        pending.removeValue(forKey: number)?.resume(returning: reply)
    }
}
