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

    /// A request whose handler runs.
    private struct Running {
        var term: UInt64
        /// The newest copy, whose way back the answer takes, if there was a second one.
        var newest: Request?
    }

    /// Hashed as one number: this is done three times for each request.
    private struct Key: Hashable {
        let id: RequestID

        func hash(into hasher: inout Hasher) { hasher.combine(id.client ^ (id.number &* 0x9E37_79B9_7F4A_7C15)) }
    }

    private let maximumCount: Int
    private let maximumBytes: Int
    private var running: [Key: Running] = [:]
    /// The answers, the oldest first; where each is, counted from the first that there ever was; and how many are gone.
    private var answers = Deque<(key: Key, answer: Answer)>()
    private var places: [Key: Int] = [:]
    private var forgotten = 0
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
        let key = Key(id: id)
        if let place = places[key] { return .answered(answers[place - forgotten].answer) }
        // Nothing runs while an inline handler does.
        guard keepsRunning else { return .new }
        if running[key] != nil {
            // The client may have come back by another connection.
            running[key]?.newest = copy request
            return .running
        }
        running[key] = Running(term: request.term)
        return .new
    }

    /// The newest copy of a request whose handler has ended, if there was a second one.
    func newest(_ request: borrowing Request) -> Request? {
        guard !isOff, let id = request.id, let entry = running[Key(id: id)], entry.term == request.term else {
            return nil
        }
        return entry.newest
    }

    /// A request was answered.
    mutating func answered(
        _ id: RequestID, in term: UInt64, _ kind: ReplyHeader.Kind, _ body: borrowing Message?
    ) {
        guard !isOff else { return }
        let key = Key(id: id)
        if !running.isEmpty, let entry = running[key] {
            // Another copy runs in a later term.
            guard entry.term == term else { return }
            running[key] = nil
        }
        var cost = Self.costOfEntry
        if let body = copy body { cost += body.cost }
        guard cost <= maximumBytes else { return }
        // A copy: what was received is pinned to libzmq's buffers, and a second owner would make the reply's frames be copied.
        let kept = (copy body)?.compactCopy
        places[key] = forgotten + answers.count
        answers.append((key, Answer(kind: kind, term: term, body: kept, cost: cost)))
        bytes += cost
        while answers.count > maximumCount || bytes > maximumBytes, let (oldest, answer) = answers.popFirst() {
            bytes -= answer.cost
            if places[oldest] == forgotten { places[oldest] = nil }
            forgotten += 1
        }
    }

    /// A request that was begun gets no answer: a copy of it is a new request.
    mutating func forget(_ id: RequestID, in term: UInt64) {
        let key = Key(id: id)
        if running[key]?.term == term { running[key] = nil }
    }

    mutating func removeAll() {
        running = [:]
        answers = []
        places = [:]
        bytes = 0
        forgotten = 0
    }
}
