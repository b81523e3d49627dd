import ZeroMQ

/// The kind of a channel's socket.
public enum ChannelType: Sendable, Hashable {
    /// Receives what PUB sockets publish about these topics, which are prefixes of the first frame; the empty topic is all
    /// of it.
    case sub(topics: [String] = [""])
    /// Publishes to SUB sockets. A subscriber that is too slow loses messages.
    case pub
    /// Receives from PUSH sockets.
    case pull
    /// Sends to PULL sockets in turn.
    case push
    /// Sends to, and receives from, ROUTER, REP and DEALER sockets. Requests that pass through it keep their envelope.
    case dealer
    /// Receives from REQ and DEALER sockets, and sends to the one that the first frame names.
    case router
    /// Sends to and receives from exactly one other PAIR socket.
    case pair

    var socketType: SocketType {
        switch self {
        case .sub: .sub
        case .pub: .pub
        case .pull: .pull
        case .push: .push
        case .dealer: .dealer
        case .router: .router
        case .pair: .pair
        }
    }

    var receives: Bool {
        switch self {
        case .sub, .pull, .dealer, .router, .pair: true
        case .pub, .push: false
        }
    }

    var sends: Bool {
        switch self {
        case .pub, .push, .dealer, .router, .pair: true
        case .sub, .pull: false
        }
    }
}
