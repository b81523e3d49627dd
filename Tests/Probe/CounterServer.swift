import BinaryStar
import BinaryStarCore
import Foundation
import ZeroMQ

/// A server of a pair whose state is a counter in a store outside of it: each request is an increment, which the store gets
/// with the term and the request's id, and which is answered when the store has said that it is kept.
///
/// It writes each of its roles as a line to a file, for whoever waits for one.
struct CounterServer {
    let seat: Seat
    let frontend: String
    let listen: String
    let connect: String
    let store: String
    let roles: String

    func run() async throws {
        let star = try BinaryStar(configuration: .init(seat: seat, listen: listen, connect: connect))
        let store = CounterLink(try await star.open(.dealer, connect: store))
        try await star.addVoter(.router, bind: frontend) { request in try await store.increment(request) }
        try Data().write(to: URL(filePath: roles))
        let file = try FileHandle(forWritingTo: URL(filePath: roles))
        let announcements = star.roles
        let writer = Task {
            for await role in announcements {
                try file.write(contentsOf: Data("{\"event\":\"role\",\"role\":\"\(role)\"}\n".utf8))
            }
        }
        try await star.run()
        try await writer.value
    }
}

/// The way to the store, for any number of increments at a time.
private actor CounterLink {
    private let channel: Channel
    private var pending: [UInt64: CheckedContinuation<Message, Never>] = [:]
    private var lastNumber: UInt64 = 0
    private var reader: Task<Void, Never>?

    init(_ channel: Channel) { self.channel = channel }

    /// What the counter was after the increment; or nothing if the store refused it, because a server of a later term has
    /// written since: that one answers the client.
    func increment(_ request: Request) async throws -> Message? {
        guard let id = request.id else { throw RequestFailure(code: 400, text: "no request id") }
        startReading()
        lastNumber += 1
        let number = lastNumber
        let words = [number, request.term, id.client, id.number].map(\.bigEndianBytes)
        let body = Array((request.text ?? "").utf8)
        // Its end is that of the process.
        Task { [channel] in try await channel.send(Message(frames: words + [body])) }
        let answer = await withCheckedContinuation { pending[number] = $0 }
        return answer.count == 2 ? Message(answer[1].bytes) : nil
    }

    private func startReading() {
        guard reader == nil else { return }
        reader = Task { [channel, weak self] in
            for await message in channel { await self?.accept(message) }
        }
    }

    private func accept(_ message: Message) {
        let number = message[0].bytes.reduce(0) { $0 << 8 | UInt64($1) }
        pending.removeValue(forKey: number)?.resume(returning: message)
    }
}

extension UInt64 {
    fileprivate var bigEndianBytes: [UInt8] { withUnsafeBytes(of: bigEndian) { Array($0) } }
}
