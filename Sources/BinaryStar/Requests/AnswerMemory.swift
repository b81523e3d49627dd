import BinaryStarCore
import DequeModule
import ZeroMQ

/// What became of the latest requests of clients of ours: one that is sent again gets the first answer again, and its handler
/// does not run twice. Bounded in number and bytes; the oldest answers are forgotten first.
///
/// It is valid for one activation, which is one term: the answers of a time before are of the past.
///
/// Nearly no request comes again, so that remembering has to be cheap: what the processor's cache has to hold is small, and
/// the answers lie behind each other in the order in which they are forgotten.
struct AnswerMemory {
    /// An answer as it was first given.
    struct Answer {
        var kind: ReplyHeader.Kind
        var term: UInt64
        /// `nil` if the handler gave none.
        var body: Message?
    }

    /// A request that is known.
    private struct Record {
        let id: RequestID
        /// In which its handler was begun.
        let term: UInt64
        /// `nil` while its handler runs.
        var kind: ReplyHeader.Kind?
        /// How many frames the answer has; below zero if there is none.
        var frameCount = -1
        /// Where the frames are in ``bodies``, each behind its length.
        var body = 0..<0
    }

    private let maximumCount: Int
    private let maximumBytes: Int
    /// Clients choose what is hashed, and shall not choose it so that many requests have one hash.
    private let secrets = (UInt64.random(in: 0 ... .max), UInt64.random(in: 0 ... .max))

    private var records: [Record] = []
    private var freeSlots: [Int] = []
    private var slots = SlotTable()
    /// By slot, the envelope of the newest copy of a request that came again while its handler ran: the answer takes that way.
    private var newest: [Int: Request] = [:]
    /// The slots of those that were answered, and what was answered, the oldest first.
    private var answered = Deque<Int32>()
    private var bodies = ByteQueue()

    /// What an answer takes besides its bytes, about, in bytes.
    private static let costOfRecord = 96
    private static let lengthSize = MemoryLayout<UInt32>.size

    init(count: Int, bytes: Int) {
        maximumCount = count
        maximumBytes = bytes
    }

    private var isOff: Bool { maximumCount == 0 }

    private var cost: Int { bodies.count + answered.count * Self.costOfRecord }

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
        guard let slot = slot(of: id) else {
            // Nothing runs while an inline handler does.
            if keepsRunning { _ = claimSlot(id, in: request.term) }
            return .new
        }
        if let answer = answer(in: slot) { return .answered(answer) }
        // The client may have come back by another connection. What it asks is known already.
        var wayBack = copy request
        wayBack.message = request.message.prefixCopy(request.envelope.count)
        newest[slot] = wayBack
        return .running
    }

    /// The newest copy of a request whose handler has ended, if there was a second one.
    func newest(_ request: borrowing Request) -> Request? {
        guard !newest.isEmpty, let id = request.id, let slot = runningSlot(of: id, in: request.term) else { return nil }
        return newest[slot]
    }

    /// A request was answered.
    mutating func answered(
        _ id: RequestID, in term: UInt64, _ kind: ReplyHeader.Kind, _ body: borrowing Message?
    ) {
        guard !isOff else { return }
        let body = copy body
        let size = body.map { $0.byteCount + $0.count * Self.lengthSize } ?? 0
        guard size + Self.costOfRecord <= maximumBytes else { return forget(id, in: term) }
        let known = self.slot(of: id)
        // If another copy runs in a later term, or was answered, that one counts.
        if known != nil, runningSlot(of: id, in: term) == nil { return }
        makeRoom(for: size)
        let slot = known ?? claimSlot(id, in: term)
        if !newest.isEmpty { newest[slot] = nil }
        records[slot].kind = kind
        if let body {
            let start = bodies.end
            append(body)
            records[slot].frameCount = body.count
            records[slot].body = start..<bodies.end
        }
        answered.append(Int32(slot))
    }

    /// Forgets the oldest answers until there is room for one more.
    private mutating func makeRoom(for size: Int) {
        while answered.count >= maximumCount || cost + size + Self.costOfRecord > maximumBytes,
            let oldest = answered.popFirst()
        {
            bodies.removeFirst(records[Int(oldest)].body.count)
            free(Int(oldest))
        }
    }

    /// A request that was begun gets no answer: a copy of it is a new request.
    mutating func forget(_ id: RequestID, in term: UInt64) {
        guard let slot = runningSlot(of: id, in: term) else { return }
        if !newest.isEmpty { newest[slot] = nil }
        free(slot)
    }

    mutating func removeAll() {
        self = AnswerMemory(count: maximumCount, bytes: maximumBytes)
    }

    // MARK: Bodies

    private mutating func append(_ body: Message) {
        for index in body.indices {
            body[index].withUnsafeBytes { frame in
                withUnsafeBytes(of: UInt32(frame.count)) { bodies.append($0) }
                bodies.append(frame)
            }
        }
    }

    /// The answer that a request got, or `nil` if its handler runs.
    private func answer(in slot: Int) -> Answer? {
        let record = records[slot]
        guard let kind = record.kind else { return nil }
        guard record.frameCount >= 0 else { return Answer(kind: kind, term: record.term, body: nil) }
        let bytes = bodies.bytes(record.body)
        var frames: [ArraySlice<UInt8>] = []
        var start = 0
        for _ in 0..<record.frameCount {
            let size = bytes[start...].withUnsafeBytes { $0.loadUnaligned(as: UInt32.self) }
            start += Self.lengthSize
            frames.append(bytes[start..<start + Int(size)])
            start += Int(size)
        }
        return Answer(kind: kind, term: record.term, body: Message(frames: frames))
    }

    // MARK: Slots

    private func slot(of id: RequestID) -> Int? {
        slots.slot(hash: hash(id)) { records[$0].id == id }
    }

    /// The slot of a request whose handler was begun in this term, and runs.
    private func runningSlot(of id: RequestID, in term: UInt64) -> Int? {
        guard let slot = slot(of: id), records[slot].kind == nil, records[slot].term == term else { return nil }
        return slot
    }

    private mutating func claimSlot(_ id: RequestID, in term: UInt64) -> Int {
        let record = Record(id: id, term: term)
        let slot: Int
        if let free = freeSlots.popLast() {
            slot = free
            records[slot] = record
        } else {
            slot = records.count
            records.append(record)
        }
        slots.insert(slot, hash: hash(id))
        return slot
    }

    private mutating func free(_ slot: Int) {
        slots.remove(slot, hash: hash(records[slot].id))
        freeSlots.append(slot)
    }

    /// Both halves of the product depend on each bit of what is multiplied, and that on what nobody else knows.
    private func hash(_ id: RequestID) -> UInt32 {
        let (high, low) = (id.client ^ secrets.0).multipliedFullWidth(by: id.number ^ secrets.1)
        let mixed = high ^ low
        return UInt32(truncatingIfNeeded: mixed ^ mixed >> 32)
    }
}
