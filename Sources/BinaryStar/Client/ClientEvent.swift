import BinaryStarCore

extension BinaryStarClient {
    /// What happened to a client.
    public enum Event: Sendable, Hashable {
        /// There is a connection to this server.
        case connected(Seat)
        /// The connection to this server is gone. The client makes it again by itself.
        case lost(Seat)
        /// From now on requests go to this server, and those that wait for a reply are sent to it again.
        case following(Seat, FollowReason)
        /// The pair has a higher term: another activation. No reply of a lower one is taken any more.
        case term(UInt64)
    }

    /// Why a client turned from one server to the other.
    public enum FollowReason: Sendable, Hashable {
        /// The other one refused a request, because it had this role.
        case refused(Role)
        /// The other one said unasked that it does not serve any more, or this one that it does.
        case told
        /// The connection to the other one broke, or could not be made.
        case connectionLost
        /// The other one owed a reply, and was silent for the attempt timeout.
        case silent
        /// The other one was superseded by a higher term.
        case superseded
        /// The other one is still out of reach, and this one is not any more.
        case reachable
    }

    /// What happens from now on, in order. Every access is a subscription of its own, which ends when the client is closed. A
    /// subscriber that is behind by more than 256 events loses the oldest.
    public nonisolated var events: AsyncStream<Event> { broadcast.subscribe(bufferingNewest: 256) }
}

extension BinaryStarClient.FollowReason {
    init(_ reason: PairFollower.Reason) {
        self =
            switch reason {
            case .refused(let role): .refused(role)
            case .notice: .told
            case .connectionLost: .connectionLost
            case .silent: .silent
            case .superseded, .higherTerm: .superseded
            case .reachable: .reachable
            }
    }
}

extension PairFollower.Reason {
    /// For a log, in which the client turns to `seat`.
    func text(for seat: Seat) -> String {
        switch self {
        case .refused(let role): "the \(seat.other) refuses: it is \(role)"
        case .notice(.active): "the \(seat) says that it is active"
        case .notice(let role): "the \(seat.other) says that it is \(role) now"
        case .connectionLost: "the \(seat.other) cannot be reached"
        case .silent: "no reply from the \(seat.other)"
        case .superseded: "the \(seat.other) replied in a lower term"
        case .higherTerm: "the \(seat) replied in a higher term"
        case .reachable: "the \(seat.other) cannot be reached"
        }
    }
}
