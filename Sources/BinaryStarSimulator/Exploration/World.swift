import BinaryStarCore

/// A heartbeat on its way over a link.
struct Flight {
    var heartbeat: Heartbeat
    /// Since it was sent, in ticks; not counted beyond what makes a difference.
    var age = 0
    /// Whether it has arrived: in the tick after that in which it was sent.
    var isHere = false
}

/// What became of a client's request at a server.
enum RequestState: Hashable {
    case none
    /// The server has not decided.
    case held
    /// The server has admitted it in this term, and not replied yet.
    case admitted(UInt64)
}

/// The requests of the clients at a server.
struct RequestStates {
    static let atMost = 4

    private var numbers = SIMD4<Int16>(repeating: -1)

    subscript(client: Int) -> RequestState {
        get {
            switch numbers[client] {
            case -1: .none
            case -2: .held
            default: .admitted(UInt64(numbers[client]))
            }
        }
        set {
            switch newValue {
            case .none: numbers[client] = -1
            case .held: numbers[client] = -2
            case .admitted(let term): numbers[client] = Int16(term)
            }
        }
    }

    var fingerprint: Int64 { unsafeBitCast(numbers, to: Int64.self) }
}

/// One process, what is on its way to it, and what was seen of it.
struct Node {
    /// `nil` while the process does not run.
    var member: PairMember?
    var life = 0
    /// What the next life begins above, as with a state directory.
    var keptTerm: UInt64 = 0
    /// A heartbeat that was made and is not sent yet: the process lost the processor in between.
    var unsent: Heartbeat?
    /// The last call brought the member's deadline forward to now: the tick follows at once.
    var mustTick = false
    /// Time has passed without this process, and it has not done anything since.
    var isStalled = false
    /// How far the process's clock lags behind; always 0, but for a ``Flaw``.
    var clockLag = 0

    /// On the first link: in order, and in time unless this process stalls.
    var inbox: [Flight] = []
    /// A duplicate on a second link, however late.
    var duplicate: Flight?

    /// The lives of the peer that this life has heard, as bits.
    var heardLives: UInt64 = 0
    /// The link to the peer dropped, and this process was not told yet.
    var linkDropped = false
    /// The peer's port refused a connection, and the member was not told yet.
    var refusal: Refusal?
    var isDraining = false
    /// By client.
    var requests = RequestStates()

    var watch = Watch()

    /// Whether a heartbeat has arrived. In order: not if the first one is late.
    var hasMail: Bool { inbox.first.map { $0.isHere } ?? false }

    struct Refusal: Hashable {
        var askedAt: Int
        /// The life that the port was asked for.
        var incarnation: UInt64
    }
}

/// The pair, the network and the clients at one instant of virtual time.
struct World {
    var now = 0
    var nodes: Both<Node>
    /// The highest term that the client of ours has seen; the classic ones see none.
    var termSeen: UInt64 = 0
    var faultsLeft: Int
    /// Which process has its turn in this tick.
    var turn = Seat.primary
    /// By client: in this tick.
    var hasAsked = SIMDMask<SIMD4<Int8>>(repeating: false)
    /// For how many ticks both have served, or both have watched, although nothing keeps them from healing that.
    var deadlock = 0
    var violation: String?
    let bounds: Bounds
    let limits: SituationLimits

    init(_ bounds: Bounds) {
        self.bounds = bounds
        limits = bounds.limits
        nodes = Both(primary: Node(), backup: Node())
        faultsLeft = bounds.faults
        for seat in Seat.allCases { perform(.start(seat)) }
    }

    /// The first client is one of ours, the others are classic ones.
    static func isOurs(client: Int) -> Bool { client == 0 }

    func clock(of seat: Seat) -> MonotonicTime {
        MonotonicTime(nanoseconds: Int64(now - nodes[seat].clockLag))
    }

    /// Lives are told apart by a number that is never 0.
    static func incarnation(of seat: Seat, life: Int) -> UInt64 { UInt64(life * 2 + seat.index) }

    mutating func report(_ text: String) {
        if violation == nil { violation = text }
    }
}
