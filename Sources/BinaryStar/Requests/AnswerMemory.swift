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
    /// Where each request is that is known: an answer by its place, counted from the first that there ever was; one that runs
    /// by the complement of its slot, which is negative. One table for both, because a look at it is most of the cost.
    private var index: [Key: Int] = [:]
    private var running: [Running] = []
    private var freeSlots: [Int] = []
    /// How many of those that run have come again.
    private var repeatedCount = 0
    /// The answers, the oldest first, and how many are gone.
    private var answers = Deque<(key: Key, answer: Answer)>()
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
        // Nothing runs while an inline handler does.
        guard keepsRunning else { return index[key].map { repeated($0, request) } ?? .new }
        // Taken for granted, so that a new request, which is the usual case, costs one look.
        let slot = claimSlot(term: request.term)
        guard let known = index.updateValue(~slot, forKey: key) else { return .new }
        index[key] = known
        free(slot)
        return repeated(known, request)
    }

    /// What is known of a request that came again; its newest copy is kept while it runs.
    private mutating func repeated(_ known: Int, _ request: borrowing Request) -> Finding {
        if known >= 0 { return .answered(answers[known - forgotten].answer) }
        // The client may have come back by another connection.
        if running[~known].newest == nil { repeatedCount += 1 }
        running[~known].newest = copy request
        return .running
    }

    /// The newest copy of a request whose handler has ended, if there was a second one.
    func newest(_ request: borrowing Request) -> Request? {
        guard repeatedCount > 0, let id = request.id, let known = index[Key(id: id)], known < 0,
            running[~known].term == request.term
        else { return nil }
        return running[~known].newest
    }

    /// A request was answered.
    mutating func answered(
        _ id: RequestID, in term: UInt64, _ kind: ReplyHeader.Kind, _ body: borrowing Message?
    ) {
        guard !isOff else { return }
        let key = Key(id: id)
        var cost = Self.costOfEntry
        if let body = copy body { cost += body.cost }
        guard cost <= maximumBytes else { return forget(id, in: term) }
        if let known = index.updateValue(forgotten + answers.count, forKey: key), known < 0 {
            guard running[~known].term == term else {
                // Another copy runs in a later term.
                index[key] = known
                return
            }
            free(~known)
        }
        // A copy: what was received is pinned to libzmq's buffers, and a second owner would make the reply's frames be copied.
        let kept = (copy body)?.compactCopy
        answers.append((key, Answer(kind: kind, term: term, body: kept, cost: cost)))
        bytes += cost
        while answers.count > maximumCount || bytes > maximumBytes, let oldest = answers.popFirst() {
            bytes -= oldest.answer.cost
            // Should it have been answered anew, the later answer stays.
            if let place = index.removeValue(forKey: oldest.key), place != forgotten { index[oldest.key] = place }
            forgotten += 1
        }
    }

    /// A request that was begun gets no answer: a copy of it is a new request.
    mutating func forget(_ id: RequestID, in term: UInt64) {
        let key = Key(id: id)
        guard let known = index[key], known < 0, running[~known].term == term else { return }
        index[key] = nil
        free(~known)
    }

    mutating func removeAll() {
        index = [:]
        running = []
        freeSlots = []
        repeatedCount = 0
        answers = []
        bytes = 0
        forgotten = 0
    }

    // MARK: Slots of those that run

    private mutating func claimSlot(term: UInt64) -> Int {
        if let slot = freeSlots.popLast() {
            running[slot].term = term
            return slot
        }
        running.append(Running(term: term))
        return running.count - 1
    }

    private mutating func free(_ slot: Int) {
        if running[slot].newest != nil {
            running[slot].newest = nil
            repeatedCount -= 1
        }
        freeSlots.append(slot)
    }
}
