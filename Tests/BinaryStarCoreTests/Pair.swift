import BinaryStarCore

/// Two servers and the network between them, in steps of a millisecond. The test says what the network loses and who stalls.
struct Pair {
    private(set) var now = MonotonicTime.at(0)
    private var servers: [Seat: Server]
    /// How long a heartbeat is on its way.
    var delay = Duration.milliseconds(1)
    /// Whose heartbeats are lost.
    var muted: Set<Seat> = []
    /// Who does not run. What arrives for it waits.
    private(set) var stalled: Set<Seat> = []
    private(set) var admissions: [Admission] = []
    private var inFlight: [(arrival: MonotonicTime, to: Seat, frames: [[UInt8]])] = []
    private var lives: UInt64 = 2

    struct Admission {
        var seat: Seat
        var instant: MonotonicTime
        var term: UInt64
        /// Whether the other server had become active after this one had.
        var isLate: Bool
    }

    init(_ primary: Server = Server(.primary), _ backup: Server = Server(.backup)) {
        servers = [.primary: primary, .backup: backup]
    }

    init(timing: HeartbeatTiming, wire: HeartbeatWire = .extended, policy: ConflictPolicy = .failStop) {
        self.init(
            Server(.primary, timing: timing, wire: wire, policy: policy),
            Server(.backup, timing: timing, wire: wire, policy: policy))
    }

    /// A pair that has met: the primary is active, the backup passive.
    static func met() -> Pair {
        var pair = Pair()
        pair.run(for: 500)
        precondition(pair.roles == [.active, .passive], "the servers did not meet: \(pair.roles)")
        return pair
    }

    subscript(seat: Seat) -> Server {
        get { servers[seat].unsafelyUnwrapped }
        set { servers[seat] = newValue }
    }

    /// The primary's role and the backup's.
    var roles: [Role] { [self[.primary].member.role, self[.backup].member.role] }

    /// Requests that were served by a server after the other had become active: there must be none.
    var lateAdmissions: [Admission] { admissions.filter(\.isLate) }

    /// - Parameter each: called after each millisecond.
    mutating func run(for milliseconds: Int, each: (inout Pair) -> Void = { _ in }) {
        for _ in 0..<milliseconds {
            now = now + .milliseconds(1)
            deliver()
            for seat in Seat.allCases where !stalled.contains(seat) {
                if !self[seat].inbox.isEmpty || self[seat].member.nextDeadline <= now { turn(seat) }
            }
            each(&self)
        }
    }

    /// A request that is handled *before* what waits in the server's inbox, as when the network's thread is late.
    @discardableResult
    mutating func request(_ seat: Seat) -> PairMember.RequestAction {
        precondition(!stalled.contains(seat), "a stalled server handles nothing")
        let action = self[seat].request(at: now)
        if action.isAdmission {
            admissions.append(
                Admission(seat: seat, instant: now, term: self[seat].member.term, isLate: isOtherNewer(than: seat)))
        }
        if self[seat].member.nextDeadline <= now { turn(seat) }
        return action
    }

    mutating func stall(_ seat: Seat) { stalled.insert(seat) }

    mutating func resume(_ seat: Seat) { stalled.remove(seat) }

    /// The process ends and another takes its place.
    mutating func restart(_ seat: Seat) {
        lives += 1
        self[seat] = Server(self[seat].member.configuration, incarnation: lives, now: now)
        stalled.remove(seat)
    }

    mutating func stepDown(_ seat: Seat) -> Result<Transition, PairMember.StepDownRefusal> {
        let result = self[seat].member.stepDown(at: now)
        if case .success(let transition) = result { self[seat].note(transition) }
        turn(seat)
        return result
    }

    mutating func turn(_ seat: Seat) {
        self[seat].turn(at: now)
        let published = self[seat].outbox
        self[seat].outbox = []
        guard !muted.contains(seat) else { return }
        inFlight += published.map { (now + delay, seat.other, $0.frames) }
    }

    private mutating func deliver() {
        for (arrival, seat, frames) in inFlight where arrival <= now {
            switch decodeFrames(frames) {
            case .success(let heartbeat): self[seat].inbox.append(heartbeat)
            case .failure(let rejection): preconditionFailure("a server published what is rejected: \(rejection)")
            }
        }
        inFlight.removeAll { $0.arrival <= now }
    }

    private func isOtherNewer(than seat: Seat) -> Bool {
        func activation(_ seat: Seat) -> MonotonicTime? {
            self[seat].transitions.last { $0.to == .active }?.instant
        }
        guard let theirs = activation(seat.other) else { return false }
        return activation(seat).map { $0 < theirs } ?? true
    }
}

/// Reads a heartbeat from whole frames, as the driver does.
func decodeFrames(_ frames: [[UInt8]]) -> Result<Heartbeat, HeartbeatRejection> {
    guard let state = frames.first else { return .failure(.empty) }
    guard frames.count > 1 else { return Heartbeat.decode(frameCount: 1, state: state.span, extension: nil) }
    let second = frames[1]
    return Heartbeat.decode(frameCount: frames.count, state: state.span, extension: second.span)
}
