import BinaryStarCore

/// The zguide's reactor, as a plain model: what `bstar.c` does with what it reads, with time as a parameter.
///
/// It knows no time of handling other than now: what waited in a queue counts as if it had just been said.
final class ClassicServer {
    private(set) var role: Role
    private(set) var hasAborted = false
    private(set) var served = 0
    private var peerExpiry: MonotonicTime
    private let timeout: Duration

    init(_ seat: Seat, timeout: Duration = HeartbeatTiming.brisk.timeout, now: MonotonicTime = .at(0)) {
        role = seat.initialRole
        self.timeout = timeout
        peerExpiry = now + timeout
    }

    /// What it publishes.
    var state: String { "\(role.rawValue)" }

    /// Each frame of a message is a message to it: `atoi`, renew the expiry, run the machine.
    func hear(_ frames: String..., at now: MonotonicTime) {
        for frame in frames where !hasAborted {
            peerExpiry = now + timeout
            switch Self.atoi(frame) {
            case 1: hear(.primary)
            case 2: hear(.backup)
            case 3: hear(.active)
            case 4: hear(.passive)
            // The number of the client's request. A machine that refuses ends the reactor's loop.
            case 5: hasAborted = !isRequestGood(at: now)
            default: break
            }
        }
    }

    /// Whether it serves the request.
    @discardableResult
    func request(at now: MonotonicTime) -> Bool {
        guard !hasAborted, isRequestGood(at: now) else { return false }
        served += 1
        return true
    }

    private func hear(_ peer: Role) {
        switch (role, peer) {
        case (.primary, .backup), (.passive, .primary), (.passive, .backup): role = .active
        case (.primary, .active), (.backup, .active): role = .passive
        case (.active, .active), (.passive, .passive): hasAborted = true
        case (.primary, .primary), (.primary, .passive), (.backup, .primary), (.backup, .backup), (.backup, .passive),
            (.active, .primary), (.active, .backup), (.active, .passive), (.passive, .active):
            break
        }
    }

    private func isRequestGood(at now: MonotonicTime) -> Bool {
        switch role {
        case .active: return true
        case .backup: return false
        case .primary, .passive:
            guard now >= peerExpiry else { return false }
            role = .active
            return true
        }
    }

    private static func atoi(_ text: String) -> Int {
        Int(text.drop { $0 == " " }.prefix { $0.isASCII && $0.isNumber }) ?? 0
    }
}
