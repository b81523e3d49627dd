/// What a client believes of a pair, and what it does with its requests: which server is active, what to send where, when an
/// attempt is overdue, and when to try again while neither serves.
///
/// As with ``PairMember``, events and the present instant go in and actions come out: it waits for nothing, reads no clock
/// and fails on nothing that the network sent. It knows requests by a *slot*, a small number that is used again, so that
/// whoever drives it keeps what belongs to a request in an array of its own. The contract:
///
/// 1. Tell it of each change of a connection, of each message and of each request, with an instant that never decreases. Behind
///    new requests call ``checkSilence(at:)``.
/// 2. After each call do what ``takeActions()`` gives, before the next one: slots that it names are free again.
/// 3. Then send what ``nextToSend(at:)`` gives until there is nothing.
/// 4. Call ``tick(at:)`` no later than ``nextDeadline``.
///
/// The rules:
///
/// * All requests go to one server, the followed one: the primary first. One failed attempt of one request moves all of them.
/// * An attempt fails by a refusal, the loss of the connection, or silence for the attempt timeout while the server owes
///   something. Then the other server gets the requests at once, under the same numbers. With a classic server, which
///   refuses by silence, it gets them after the settle delay.
/// * When the other one does not serve either, the client waits before it comes back, longer each time, and then asks with a few
///   requests first. A refusal that tells of a term not heard of before names who serves, and costs no wait.
/// * What answers an earlier attempt, or comes from the server that was left, moves nobody.
/// * No reply of a lower term than was seen is taken. A term that rises is never forgotten.
/// * A request that must be sent once only is sent again only after a refusal, which says that it was not handled.
///
/// Not copyable: to ask something of a copyable one that is stored in an object would copy it, which counts a reference to each of
/// its arrays, for each request.
///
/// Source: zguide, chapter 4, `bstarcli.c`, for classic servers.
package struct PairFollower: ~Copyable, Sendable {
    package struct Configuration: Sendable, Hashable {
        package var attemptTimeout: Duration
        package var settleDelay: Duration
        /// How many requests may have been sent and wait for their reply; the others wait to be sent.
        package var maximumInFlight: Int
        /// Whether one request is sent at a time, to servers that are classic, because their answers do not tell which request
        /// they are for.
        package var isPlain: Bool

        package init(
            attemptTimeout: Duration = .seconds(1),
            settleDelay: Duration = .seconds(1),
            maximumInFlight: Int = 10_000,
            isPlain: Bool = false
        ) {
            self.attemptTimeout = attemptTimeout
            self.settleDelay = settleDelay
            self.maximumInFlight = maximumInFlight
            self.isPlain = isPlain
        }
    }

    /// Why the client turned to a server.
    package enum Reason: Sendable, Hashable {
        /// The other one refused, having this role.
        case refused(Role)
        /// The other one said unasked that it has this role, or this one that it is active.
        case notice(Role)
        /// The other one's connection broke, or cannot be made.
        case connectionLost
        /// The other one owed a reply and was silent for the attempt timeout.
        case silent
        /// The other one replied in a lower term than was seen.
        case superseded
        /// This one replied in a higher term.
        case higherTerm
        /// The other one cannot be reached, and this one can again.
        case reachable
    }

    /// What whoever drives the follower has to do.
    package enum Action: Sendable, Hashable {
        /// From now on requests go to this server. For the log.
        case follow(Seat, Reason)
        /// A higher term was seen. For the log.
        case term(UInt64)
        /// Drop the connection to this server with all that it has not sent, and make it anew.
        case reconnect(Seat)
        /// The request failed. Its slot is free again.
        case fail(slot: Int, attempts: Int, Failure)
    }

    package enum Failure: Sendable, Hashable {
        /// Its time is over.
        case timedOut
        /// It may have been received, must not be sent again, and nobody knows what became of it.
        case unknownOutcome
    }

    /// What is known of one server.
    struct Link: Sendable {
        enum Connection: Sendable {
            /// Nothing has been heard of it yet.
            case connecting
            case connected
            /// It broke, or could not be made.
            case unreachable
        }

        var connection = Connection.connecting
        /// Whether it answers as a zguide server; `nil` before its first answer.
        var isClassic: Bool?
        /// How many requests it was sent and has not answered.
        var inFlight = 0
        /// How many of those must not be sent again.
        var inFlightOnce = 0
    }

    enum Place: Sendable, Hashable {
        case free
        /// Waits to be sent.
        case queued
        case sent(Seat)
    }

    /// A request.
    struct Record: Sendable {
        var number: UInt64
        var deadline: MonotonicTime
        var sentAt: MonotonicTime
        var attempts: Int
        var place: Place
        var isOnce: Bool
        /// Of a free slot: the one that was freed after it, unless it is the last one.
        var nextFree = 0

        /// Whether this is the request with this number, and it waits to be sent.
        func isQueued(_ number: UInt64) -> Bool { self.number == number && place == .queued }

        mutating func isSent(to seat: Seat, at now: MonotonicTime) {
            attempts += 1
            sentAt = now
            place = .sent(seat)
        }
    }

    package let configuration: Configuration
    /// In nanoseconds, too.
    let attemptTimeout: Int64
    var random: SplitMix64

    var records: [Record] = []
    /// A list from the one that was freed first to the one that was freed last.
    var freeSlots: (first: Int, last: Int)?
    var slots = SlotTable()
    /// Requests that were not sent yet, and those that are to be sent again, which come first.
    var fresh = SlotQueue()
    var again = SlotQueue()
    /// How many requests have been sent and are not answered, wherever they are now.
    var sentCount = 0
    /// The number of the request that was sent last.
    var lastSent: UInt64 = 0

    /// The server that is believed active.
    package internal(set) var following = Seat.primary
    /// The highest term that a server has named.
    package internal(set) var highestTerm: UInt64 = 0
    private(set) var links = Both(primary: Link(), backup: Link())

    /// How often in a row the client turned without a reply.
    var fruitlessTurns = 0
    /// The highest term of a refusal that cost no wait.
    var highestNamedTerm: UInt64 = 0
    /// Until when nothing is sent.
    var waitsUntil: MonotonicTime?
    /// How many requests were sent since the last turn, and until when they are few: while it is not known whether this server
    /// serves, the others would be refused too.
    var sentSinceTurn = 0
    var trialEnd: MonotonicTime?

    /// How long the followed server has owed something without a word, up to the last moment at which it owed nothing. In
    /// nanoseconds, as arithmetic on durations has 128 bits and this is done for each request.
    var silence: Int64 = 0
    /// While it owes: the instant from which on it would have been silent if it always had.
    var silentSince: MonotonicTime?

    /// No request has anything due before.
    var nextScan = MonotonicTime.distantFuture
    var actions: [Action] = []

    /// - Parameter seed: of the random delays. The same seed and the same events give the same actions.
    package init(configuration: Configuration, seed: UInt64) {
        self.configuration = configuration
        attemptTimeout = configuration.attemptTimeout.wholeNanoseconds
        random = SplitMix64(seed: seed)
    }

    subscript(seat: Seat) -> Link {
        get { links[seat] }
        _modify { yield &links[seat] }
    }
}
