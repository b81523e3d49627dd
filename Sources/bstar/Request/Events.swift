import BinaryStar
import BinaryStarCore

/// What happens while requests are sent, in the order in which it is told.
enum RequestEvent: Sendable {
    case reply(ReplyRecord)
    case failure(FailureRecord)
    case interruption(Interruption)
    /// A second has passed.
    case second(SecondRecord)
}

/// A request that has its reply.
struct ReplyRecord: Sendable {
    /// The number of the request, from 1.
    var number: Int
    var server: Seat
    /// `nil` from a server without terms.
    var term: UInt64?
    /// How often the request was sent.
    var attempts: Int
    /// From the instant at which the request was due.
    var latency: Duration
    /// How much later than due it was sent.
    var delay: Duration
    /// When the reply came.
    var instant: MonotonicTime
    var time: TimeOfDay
    var body: Message
}

/// A request that has no reply, and will have none.
struct FailureRecord: Sendable {
    var number: Int
    /// The kind of error.
    var code: String
    var message: String
    /// From the instant at which the request was due.
    var waited: Duration
    var instant: MonotonicTime
    var time: TimeOfDay
}

/// A time in which a request waited and no server replied.
struct Interruption: Sendable, Hashable {
    /// Who replied last before it; `nil` if nobody had.
    var before: Seat?
    /// Who replied first after it; `nil` if nobody did.
    var after: Seat?
    var length: Duration
    /// When it ended.
    var instant: MonotonicTime
    var time: TimeOfDay
    /// The term of the server that replied after it, if it has terms.
    var term: UInt64?

    /// Whether the other server replies after it.
    var isFailover: Bool { before != nil && after != nil && before != after }
}

/// What one second brought.
struct SecondRecord: Sendable {
    var instant: MonotonicTime
    var length: Duration
    var sent: Int
    var replied: Int
    var failed: Int
    /// How many wait for a reply at its end.
    var waiting: Int
    /// For how long requests have waited at its end without any reply; `nil` if none waits.
    var silence: Duration?
    var server: Seat?
    var median: Duration?
    var percentile99: Duration?
    var slowest: Duration?
}
