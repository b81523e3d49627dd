import BinaryStarCore

/// A request on its way.
struct SimulatedRequest {
    var client: Int
    var number: UInt64
    var attempt: UInt64
    var knowsRefusals: Bool
    /// The highest term that the client has seen.
    var clientTerm: UInt64
    /// The term in which it was admitted.
    var term: UInt64 = 0
    /// Since when it waits to be decided.
    var heldSince: Instant = 0
}

/// A heartbeat on its way.
struct Envelope {
    var heartbeat: Heartbeat
    var sender: Seat
    var senderLife: Int
    var sentAt: Instant
    /// When the newest message of the receiver's that the sender had taken in was sent.
    var senderHeardUpTo: Instant
    /// Since when it waits to be read.
    var arrivedAt: Instant = 0
}

/// What reaches a server other than messages.
enum Command {
    /// The link to the peer dropped: its port is to be asked.
    case peerLinkDropped
    /// The peer's port refused connections when it was asked.
    case peerDied(askedAt: MonotonicTime)
    case beginStepDown, stepDown, promote
    /// The peer's new connection asks for this server's heartbeats.
    case subscribed
    case pause(Bool)
    case health(Bool)
}

/// One process: a server, of ours or classic, and its driver. Its work is cut into steps, and it can lose the processor
/// between any two of them.
final class SimulatedServer {
    enum Brain {
        case ours(PairMember)
        case classic(ClassicServer)
    }

    enum Step {
        case asleep
        case drain
        case receive(Envelope, Reading)
        case command
        case tick
        /// A tick between two requests, after which the other requests follow.
        case tickAtOnce
        case publish(Heartbeat, sentFrom: Reading, thenRequests: Bool)
        case request
        case admit(SimulatedRequest, Reading)
        case complete
        case reply(SimulatedRequest, Reading)
        case turnEnd
    }

    let seat: Seat
    var clock: ProcessClock
    var brain: Brain?
    var life = 0
    var isUp: Bool { brain != nil }

    var step = Step.asleep
    /// Whether an event that runs the next step is scheduled.
    var isScheduled = false
    var stalledUntil: Instant = 0
    /// Stalls that begin at a step yet to come.
    var armedStalls: [(step: Fault.Step, duration: Instant)] = []
    var wakeGeneration: UInt64 = 0

    var heartbeats: [Envelope] = []
    var commands: [Command] = []
    var requests: [SimulatedRequest] = []
    var held: [SimulatedRequest] = []
    var completions: [SimulatedRequest] = []
    var completionsLeft = 0
    var requestsLeft = 0
    var heardUpTo: Instant = -1
    var keptTerm: UInt64 = 0
    /// Whether the link dropped, and the peer was not heard since.
    var isLinkBroken = false
    /// Requests that were admitted, and of which the reply is not sent or dropped yet.
    var inFlight = 0
    /// Whether it waits for requests that are being handled, to hand over.
    var drains = false
    /// Whether it has drained, handed over, and not become active again.
    var hasHandedOver = false
    /// Heartbeats made for a classic peer, and those since the last one with the extension.
    var heartbeatsForClassic = 0
    var plainHeartbeats = 0

    static let heldAtMost = 64
    static let requestsPerTurn = 16

    init(seat: Seat, clock: ProcessClock) {
        self.seat = seat
        self.clock = clock
    }

    func reading(at real: Instant) -> Reading { Reading(local: clock.monotonic(at: real), real: real) }

    /// All that dies with a process.
    func forget() {
        brain = nil
        step = .asleep
        isScheduled = false
        stalledUntil = 0
        wakeGeneration += 1
        (heartbeats, commands, requests, held, completions) = ([], [], [], [], [])
        heardUpTo = -1
        (drains, heartbeatsForClassic) = (false, 0)
        (inFlight, hasHandedOver, plainHeartbeats, isLinkBroken) = (0, false, 0, false)
    }

    var role: Role? {
        switch brain {
        case .ours(let member): member.role
        case .classic(let server): server.role
        case nil: nil
        }
    }

    /// Changes the member in place.
    func withMember<Result>(_ body: (inout PairMember) -> Result) -> Result? {
        guard case .ours(var member) = brain else { return nil }
        brain = nil
        let result = body(&member)
        brain = .ours(member)
        return result
    }

    var member: PairMember? {
        if case .ours(let member) = brain { member } else { nil }
    }
}
