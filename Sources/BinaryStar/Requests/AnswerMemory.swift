import BinaryStarCore
import DequeModule
import ZeroMQ

/// What became of the latest requests of clients of ours: one that is sent again gets the first answer again, and its handler
/// does not run twice. Bounded in number and bytes; the oldest answers are forgotten first.
///
/// It is valid for as long as the server is active without a break: the answers of a time before are of the past.
struct AnswerMemory {
    /// An answer as it was first given.
    struct Answer {
        var kind: ReplyHeader.Kind
        var term: UInt64
        /// `nil` if the handler gave none.
        var body: Message?
        var cost: Int
    }

    private enum Entry {
        /// The handler runs. The way back of the newest copy, if there was a second one.
        case running(term: UInt64, newest: Request?)
        case answered(Answer)
    }

    private let maximumCount: Int
    private let maximumBytes: Int
    private var entries: [RequestID: Entry] = [:]
    /// Those that were answered, the oldest first.
    private var order = Deque<RequestID>()
    private var bytes = 0

    /// What an entry takes besides its body, about, in bytes.
    private static let costOfEntry = 256

    init(count: Int, bytes: Int) {
        maximumCount = count
        maximumBytes = bytes
    }

    private var isOff: Bool { maximumCount == 0 }

    enum Finding {
        case new
        /// Its handler runs. Its answer goes to the newest copy, which was taken note of.
        case running
        case answered(Answer)
    }

    /// A request is about to be served.
    ///
    /// - Parameter keepsRunning: whether its handler runs while other requests arrive.
    mutating func begin(_ request: borrowing Request, keepsRunning: Bool) -> Finding {
        guard !isOff, let id = request.id else { return .new }
        switch entries[id] {
        case .answered(let answer): return .answered(answer)
        case .running(let term, _):
            // The client may have come back by another connection.
            entries[id] = .running(term: term, newest: copy request)
            return .running
        case nil:
            if keepsRunning { entries[id] = .running(term: request.term, newest: nil) }
            return .new
        }
    }

    /// The newest copy of a request whose handler has ended, if there was a second one.
    func newest(_ request: borrowing Request) -> Request? {
        guard !isOff, let id = request.id, case .running(request.term, let newest?) = entries[id] else { return nil }
        return newest
    }

    /// A request was answered.
    mutating func answered(
        _ id: RequestID, in term: UInt64, _ kind: ReplyHeader.Kind, _ body: borrowing Message?
    ) {
        guard !isOff else { return }
        if case .running(let running, _) = entries[id], running != term { return }
        var cost = Self.costOfEntry
        if let body = copy body { cost += body.cost }
        guard cost <= maximumBytes else { return forget(id, in: term) }
        // A copy: what was received is pinned to libzmq's buffers, and a second owner would make the reply's frames be copied.
        let kept = (copy body)?.compactCopy
        entries[id] = .answered(Answer(kind: kind, term: term, body: kept, cost: cost))
        order.append(id)
        bytes += cost
        while order.count > maximumCount || bytes > maximumBytes, let oldest = order.popFirst() {
            if case .answered(let answer) = entries.removeValue(forKey: oldest) { bytes -= answer.cost }
        }
    }

    /// A request that was begun gets no answer: a copy of it is a new request.
    mutating func forget(_ id: RequestID, in term: UInt64) {
        if case .running(term, _) = entries[id] { entries[id] = nil }
    }

    mutating func removeAll() {
        entries = [:]
        order = []
        bytes = 0
    }
}
