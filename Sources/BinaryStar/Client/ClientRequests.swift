import BinaryStarCore
import DequeModule
import HeapModule
import ZeroMQ

/// The requests of a client that wait for a reply, and what is due when.
///
/// It keeps books and does nothing: whoever drives it sends, resends and fails requests as it says.
struct ClientRequests {
    struct Entry {
        let number: UInt64
        let body: Message
        let timeout: Duration
        let deadline: MonotonicTime
        let continuation: CheckedContinuation<BinaryStarClient.Reply, any Error>
        /// When the request was sent last, or `nil` if it waits to be sent on this connection.
        var sentAt: MonotonicTime?
        var attempts = 0
    }

    private struct Deadline: Comparable {
        let instant: MonotonicTime
        let number: UInt64

        static func < (left: Deadline, right: Deadline) -> Bool { left.instant < right.instant }
    }

    private struct Attempt {
        let sentAt: MonotonicTime
        let number: UInt64
    }

    private let attemptTimeout: Duration
    private var lastNumber: UInt64 = 0
    private var entries: [UInt64: Entry] = [:]
    /// Numbers of the requests that are to be sent, in order.
    private var unsent = Deque<UInt64>()
    // Of the next two, entries that are out of date are skipped when they come up.
    private var deadlines = Heap<Deadline>()
    private var attempts = Deque<Attempt>()
    /// How long the server has been silent while requests were in flight, up to the last moment at which none was: time in which
    /// it owes no reply is no silence.
    private var silence = Duration.zero
    /// While requests are in flight: the instant from which on the server would have been silent if they always had been.
    private var silentSince: MonotonicTime?

    init(attemptTimeout: Duration) {
        self.attemptTimeout = attemptTimeout
    }

    var isEmpty: Bool { entries.isEmpty }
    var count: Int { entries.count }

    /// How many requests were sent on this connection and have no reply.
    private(set) var inFlight = 0

    mutating func nextNumber() -> UInt64 {
        lastNumber += 1
        return lastNumber
    }

    mutating func add(_ entry: Entry) {
        entries[entry.number] = entry
        unsent.append(entry.number)
        deadlines.insert(Deadline(instant: entry.deadline, number: entry.number))
    }

    /// Takes out a request that has its reply, is cancelled or has failed.
    mutating func remove(_ number: UInt64, at now: MonotonicTime) -> Entry? {
        guard let entry = entries.removeValue(forKey: number) else { return nil }
        if entry.sentAt != nil { landed(inFlight - 1, at: now) }
        return entry
    }

    mutating func removeAll(at now: MonotonicTime) -> [Entry] {
        defer {
            entries = [:]
            markAllUnsent(at: now)
        }
        return entries.values.sorted { $0.number < $1.number }
    }

    /// The number of the only request in flight, for an envelope that does not tell.
    var onlyNumberInFlight: UInt64? {
        attempts.last { entries[$0.number]?.sentAt == $0.sentAt }?.number
    }

    /// Whether the request was sent on this connection and waits for its reply.
    func isInFlight(_ number: UInt64) -> Bool { entries[number]?.sentAt != nil }

    // MARK: Sending

    /// The next request that is to be sent.
    mutating func nextUnsent() -> Entry? {
        while let number = unsent.popFirst() {
            if let entry = entries[number], entry.sentAt == nil { return entry }
        }
        return nil
    }

    /// Takes note that a request was sent.
    mutating func sent(_ number: UInt64, at now: MonotonicTime) {
        guard var entry = entries[number] else { return }
        if entry.sentAt == nil { inFlight += 1 }
        if silentSince == nil { silentSince = now + (.zero - silence) }
        entry.sentAt = now
        entry.attempts += 1
        entries[number] = entry
        attempts.append(Attempt(sentAt: now, number: number))
    }

    /// Takes note that the server replied, to whatever request.
    mutating func replied(at now: MonotonicTime) {
        silence = .zero
        silentSince = inFlight > 0 ? now : nil
    }

    /// Takes note of how many requests are still in flight.
    private mutating func landed(_ rest: Int, at now: MonotonicTime) {
        inFlight = rest
        guard rest == 0, let since = silentSince else { return }
        silence = now - since
        silentSince = nil
    }

    /// Takes note that the next connection leads to the other server, which owes nothing yet.
    mutating func turnToOtherServer(at now: MonotonicTime) {
        markAllUnsent(at: now)
        silence = .zero
    }

    /// Takes note that the connection is gone: everything is to be sent again on the next one, in the order of the requests.
    mutating func markAllUnsent(at now: MonotonicTime) {
        unsent = Deque(entries.keys.sorted())
        for number in entries.keys { entries[number]?.sentAt = nil }
        attempts = []
        landed(0, at: now)
    }

    // MARK: Time

    /// When something is due next.
    mutating func nextDeadline() -> MonotonicTime? {
        while let deadline = deadlines.min, entries[deadline.number] == nil { deadlines.removeMin() }
        guard !entries.isEmpty else { return nil }
        let attempt = nextAttempt()?.sentAt
        let dueAttempts = [attempt, silentSince].compactMap { $0.map { $0 + attemptTimeout } }
        return ([deadlines.min?.instant].compactMap { $0 } + dueAttempts).min()
    }

    /// The oldest attempt that has no reply.
    private mutating func nextAttempt() -> Attempt? {
        while let attempt = attempts.first {
            if entries[attempt.number]?.sentAt == attempt.sentAt { return attempt }
            attempts.removeFirst()
        }
        return nil
    }

    /// Takes out a request whose time is over.
    mutating func removeExpired(at now: MonotonicTime) -> Entry? {
        while let deadline = deadlines.min, deadline.instant <= now {
            deadlines.removeMin()
            if let entry = remove(deadline.number, at: now) { return entry }
        }
        return nil
    }

    /// What to do about a request that the server did not answer within the attempt timeout.
    enum Overdue {
        /// The server has answered since to others: send this one again.
        case resend(Entry)
        /// The server has been silent since: turn to the other one.
        case serverSilent
    }

    mutating func nextOverdue(at now: MonotonicTime) -> Overdue? {
        let silence = silentSince.map { now - $0 } ?? silence
        if !entries.isEmpty, silence >= attemptTimeout { return .serverSilent }
        // The server is not silent, so that it has replied to something since.
        guard let attempt = nextAttempt(), attempt.sentAt + attemptTimeout <= now else { return nil }
        attempts.removeFirst()
        return entries[attempt.number].map { .resend($0) }
    }
}
