import BinaryStar
import Foundation
import Synchronization
import ZeroMQ

/// A counter outside of the pair that counts on it: it takes nothing of a lower term than it has seen, and each request once.
struct CounterStore: Sendable {
    enum Answer: Equatable, Sendable {
        /// The counter after this increment; also if it was asked for before.
        case counted(Int)
        /// A server of a later term has written since.
        case fenced
    }

    private(set) var count = 0
    private(set) var highestTerm: UInt64 = 0
    /// How many increments came again, and how many came from a server whose time was over.
    private(set) var duplicates = 0
    private(set) var fenced = 0
    /// In how many terms there were writes.
    private(set) var terms = 0
    private var applied: [RequestID: Int] = [:]
    /// How often each increment was counted, by the number that the client's user gave it: it knows nothing of request ids.
    private(set) var timesCounted: [Int: Int] = [:]

    mutating func increment(_ increment: Int, _ id: RequestID, term: UInt64) -> Answer {
        guard term >= highestTerm else {
            fenced += 1
            return .fenced
        }
        if term > highestTerm { terms += 1 }
        highestTerm = term
        if let earlier = applied[id] {
            duplicates += 1
            return .counted(earlier)
        }
        count += 1
        applied[id] = count
        timesCounted[increment, default: 0] += 1
        return .counted(count)
    }
}

/// The store as a service of its own, on a thread of its own.
final class CounterService: Sendable {
    let endpoint: String
    private let store = Mutex(CounterStore())
    private let isEnding = Atomic(false)
    private let end = AsyncStream.makeStream(of: Never.self)

    var contents: CounterStore { store.withLock { $0 } }

    init() throws {
        let socket = try Socket(.router, in: Context())
        try socket.set(.sendHighWaterMark, 0)
        try socket.bind("tcp://127.0.0.1:*")
        endpoint = try socket.lastEndpoint
        let owned = Owned(socket)
        Thread { [self] in
            if let socket = owned.socket.take() { try? serve(socket) }
            end.continuation.finish()
        }.start()
    }

    func close() async {
        isEnding.store(true, ordering: .relaxed)
        for await _ in end.stream {}
    }

    private func serve(_ socket: borrowing Socket) throws {
        var pollSet = PollSet()
        pollSet.append(socket, events: .readable)
        while !isEnding.load(ordering: .relaxed) {
            _ = try pollSet.wait(milliseconds: 20)
            while let message = try socket.receive() {
                guard var answer = answer(to: message) else { continue }
                // A server that was killed in the meantime gets none.
                _ = try? socket.send(&answer)
            }
        }
    }

    /// - Parameter message: the server, its number for the question, the term, the client, the request, the increment.
    private func answer(to message: Message) -> Message? {
        guard message.count == 6, let increment = message[5].text.flatMap({ Int($0) }) else { return nil }
        let words = message[2...4].map { $0.bytes.reduce(0) { $0 << 8 | UInt64($1) } }
        let id = RequestID(client: words[1], number: words[2])
        let envelope = [message[0].bytes, message[1].bytes]
        return switch store.withLock({ $0.increment(increment, id, term: words[0]) }) {
        case .counted(let count): Message(frames: envelope + [Array("\(count)".utf8)])
        case .fenced: Message(frames: envelope)
        }
    }

    /// A way to hand the one reference to a socket to its thread.
    private final class Owned: @unchecked Sendable {
        // Sendable, because it is used by the thread that gets it, and by nobody else after that.
        var socket: Socket?
        init(_ socket: consuming Socket) { self.socket = consume socket }
    }
}
