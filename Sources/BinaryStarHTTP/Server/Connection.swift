import BinaryStar
import FlyingSocks

/// One client's connection: reads its requests one after the other, and answers each.
struct Connection: Sendable {
    let socket: AsyncSocket
    let configuration: StatusServerConfiguration
    let answer: @Sendable (Request) async -> Response
    let clock: ConnectionClock

    init(
        _ socket: AsyncSocket, _ configuration: StatusServerConfiguration, clock: ConnectionClock,
        answer: @escaping @Sendable (Request) async -> Response
    ) {
        self.socket = socket
        self.configuration = configuration
        self.clock = clock
        self.answer = answer
    }

    /// Returns when the connection has ended: the client has closed it, has taken too long or sent what is no request,
    /// or the task is cancelled.
    func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { try? await answerRequests() }
            group.addTask { await clock.waitUntilOver() }
            await group.next()
            group.cancelAll()
        }
        try? socket.close()
    }

    private func answerRequests() async throws {
        var received: [UInt8] = []
        repeat {
            let request: Request
            do {
                let end = try await receiveHead(&received)
                request = try Request(head: received[..<end])
                try configuration.admit(request)
                received.removeFirst(end)
            } catch let refused as Request.Refused {
                try await write(Response(refused).bytes(keepsAlive: false))
                return try await drain()
            } catch is CancellationError where !received.isEmpty && clock.isOver {
                // Without waiting for the client to take it.
                let refused = Request.Refused(status: .requestTimeout, reason: "the request did not come in time")
                try await write(Response(refused).bytes(keepsAlive: false))
                return
            }
            clock.begin(.answering, within: configuration.requestTimeout)
            let response = await answer(request)
            // An answer that was cut short may say what is not so, such as that the star's thread does not answer.
            if Task.isCancelled, !clock.isOver { return }
            let keepsAlive = request.keepsAlive && !clock.isStopping
            try await write(response.bytes(keepsAlive: keepsAlive, withoutBody: request.method == "HEAD"))
            if !keepsAlive { return request.hasBody ? try await drain() : () }
        } while true
    }

    /// Receives until there is a whole head.
    ///
    /// - Returns: where it ends.
    private func receiveHead(_ received: inout [UInt8]) async throws -> Int {
        clock.begin(.waiting, within: received.isEmpty ? configuration.idleTimeout : configuration.requestTimeout)
        var searched = 0
        while true {
            if let end = Request.endOfHead(in: received, from: searched), end <= configuration.maximumHeadSize {
                return end
            }
            guard received.count < configuration.maximumHeadSize else {
                throw Request.Refused(
                    status: .headTooLarge,
                    reason: "a request may have \(configuration.maximumHeadSize) bytes before its body")
            }
            // The end may have been cut in two.
            searched = max(0, received.count - 3)
            let wasEmpty = received.isEmpty
            received += try await socket.read(atMost: 4_096)
            // From its first byte on; every further one gives no more time.
            if wasEmpty { clock.begin(.waiting, within: configuration.requestTimeout) }
        }
    }

    /// Writes it in pieces, so that the clock knows of a client that takes nothing.
    private func write(_ bytes: [UInt8]) async throws {
        if !clock.isOver { clock.begin(.writing, within: configuration.requestTimeout) }
        var rest = bytes[...]
        while !rest.isEmpty {
            try await socket.write(bytes: Array(rest.prefix(Self.pieceSize)))
            rest = rest.dropFirst(Self.pieceSize)
            clock.progress()
        }
    }

    private static let pieceSize = 1 << 14

    /// Takes what the client still sends. If the connection ended with that unread, the answer could be lost.
    private func drain() async throws {
        clock.begin(.waiting, within: min(configuration.requestTimeout, .seconds(1)))
        socket.socket.endWriting()
        var left = 1 << 18
        while left > 0 { left -= try await socket.read(atMost: 4_096).count }
    }
}
