import BinaryStarCore
import Foundation
import ZeroMQ

@testable import BinaryStar

/// A raw socket that poses as a server of ours, and says what a test wants it to.
struct PosedServer: Sendable {
    let socket: RawSocket

    init(_ endpoint: String) throws {
        socket = try RawSocket(.router, bind: endpoint)
    }

    /// A request as it arrived: identity, header, delimiter, body.
    struct Arrived: Sendable {
        var identity: [UInt8]
        var header: RequestHeader
        var text: String
    }

    func next() async throws -> Arrived {
        let message = try await socket.next { $0.count >= 4 }
        // With the trait Tracing there may be a context in front.
        let index = message[1].withSpan { TraceContext.isContext($0) } ? 2 : 1
        guard let header = message[index].withSpan({ RequestHeader($0) }) else {
            throw DeadlineExceeded(what: "header")
        }
        return Arrived(identity: message[0].bytes, header: header, text: message[index + 2].text ?? "")
    }

    func next(_ count: Int) async throws -> [Arrived] {
        var arrived: [Arrived] = []
        while arrived.count < count { arrived.append(try await next()) }
        return arrived
    }

    func answer(
        _ request: Arrived, _ kind: ReplyHeader.Kind = .reply, term: UInt64, role: Role? = nil, _ text: String? = nil
    ) {
        let role = role ?? (kind == .refusal ? .passive : .active)
        let header = ReplyHeader(kind, to: request.header, term: term, role: role)
        var frames = [request.identity, header.encoded, []]
        if kind == .reply { frames.append(Array((text ?? request.text).utf8)) }
        socket.send(Message(frames: frames))
    }

    func notify(_ client: Arrived, role: Role, term: UInt64) {
        let notice = ReplyHeader(noticeTo: client.header.incarnation, term: term, role: role)
        socket.send(Message(frames: [client.identity, notice.encoded, []]))
    }

    /// Replies to every request from now on, until the task is cancelled.
    func serving(term: UInt64, _ text: String? = nil) -> Task<Void, any Error> {
        Task { while true { answer(try await next(), term: term, text) } }
    }
}

/// A client of ours, and two posed servers.
struct PosedPair: Sendable {
    let folder: PairEndpoints
    let primary: PosedServer
    let backup: PosedServer
    let client: BinaryStarClient

    init(
        attemptTimeout: Duration = patience, _ change: (inout BinaryStarClientConfiguration) -> Void = { _ in }
    ) throws {
        folder = PairEndpoints()
        primary = try PosedServer(folder.primary)
        backup = try PosedServer(folder.backup)
        var configuration = BinaryStarClientConfiguration(
            primary: folder.primary, backup: folder.backup, requestTimeout: patience, attemptTimeout: attemptTimeout,
            settleDelay: .milliseconds(50))
        change(&configuration)
        client = try BinaryStarClient(configuration: configuration)
    }

    /// A request that was sent, and its arrival at the primary.
    func begin(
        _ text: String, delivery: BinaryStarClient.Delivery = .atLeastOnce
    ) async throws -> (Task<BinaryStarClient.Reply, any Error>, PosedServer.Arrived) {
        let task = Task { try await client.request(Message(text), delivery: delivery) }
        return (task, try await primary.next())
    }

    /// Makes the client know the term and be connected to both servers.
    func meet(term: UInt64) async throws {
        var events = client.events.makeAsyncIterator()
        let (task, request) = try await begin("hello")
        primary.answer(request, term: term)
        _ = try await task.value
        var connected: Set<Seat> = []
        while connected.count < 2, let event = await events.next() {
            if case .connected(let seat) = event { connected.insert(seat) }
        }
    }
}

extension BinaryStarClient {
    /// Blocks the pump's thread, after it has done `action`.
    func stall(for duration: Duration, _ action: @Sendable () -> Void) {
        action()
        Thread.sleep(forTimeInterval: duration / .seconds(1))
    }
}

/// The code of the error with which a request fails, or `nil` if it does not.
func code(of request: Task<BinaryStarClient.Reply, any Error>) async -> BinaryStarClientError.Code? {
    switch await request.result {
    case .success: nil
    case .failure(let error): (error as? BinaryStarClientError)?.code
    }
}
