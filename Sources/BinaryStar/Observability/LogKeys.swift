import Logging

/// The metadata keys of every log line.
enum LogKey {
    static let cause = "bstar.cause"
    static let channel = "bstar.channel"
    static let command = "bstar.command"
    static let connect = "bstar.peer.connect"
    static let endpoint = "bstar.endpoint"
    static let error = "bstar.error"
    static let event = "bstar.event"
    static let from = "bstar.role.from"
    static let limit = "bstar.limit"
    static let listen = "bstar.peer.listen"
    static let outcome = "bstar.outcome"
    static let pair = "bstar.pair"
    static let reason = "bstar.reason"
    static let role = "bstar.role"
    static let roundTrip = "bstar.peer.round_trip"
    static let seat = "bstar.seat"
    static let server = "bstar.client.server"
    static let silence = "bstar.peer.silence"
    static let suppressed = "bstar.suppressed"
    static let term = "bstar.term"
    static let to = "bstar.role.to"
    static let waiting = "bstar.client.waiting"
}
