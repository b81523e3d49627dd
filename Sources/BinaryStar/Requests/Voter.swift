import BinaryStarCore
import DequeModule
import ZeroMQ

/// A voter's socket and what belongs to it. Used on the pump's thread only.
final class Voter {
    typealias InlineHandler = @Sendable (Request) throws -> Message?

    /// Who answers.
    enum Service {
        /// On the pump, at once.
        case inline(InlineHandler)
        /// Off the pump.
        case pool(HandlerPool)
    }

    let id: Int
    let identityFrames: Int
    let replies: Bool
    let needsDelimiter: Bool
    let endpoint: String
    let limits: VoterLimits
    let service: Service
    let pumped: PumpedSocket
    /// Who keeps a record of the requests, if anybody.
    let observer: Observation.Observer?

    /// How many requests the pool may have.
    let concurrency: Int

    /// Who can be told of a change of role.
    var clients = KnownClients()
    /// What became of the latest requests.
    var memory: AnswerMemory

    /// How many requests the pool has.
    var inFlight = 0
    /// A message whose memory the next receive may use.
    var spare: Message?
    /// Requests for the pool, kept for its memory.
    var batch: [Request] = []
    /// Outcomes from the pool: those whose replies a server that has stalled holds back; else kept for its memory.
    var outcomes = Deque<HandlerPool.Outcome>()

    init(
        id: Int, type: VoterType, endpoint: String, limits: VoterLimits, service: Service, pumped: PumpedSocket,
        observer: Observation.Observer?
    ) {
        self.id = id
        identityFrames = type.identityFrames
        replies = type.replies
        needsDelimiter = type == .rep
        concurrency = type.isSequential ? 1 : limits.concurrency
        self.endpoint = endpoint
        self.limits = limits
        memory = AnswerMemory(
            count: type.replies ? limits.rememberedAnswers : 0, bytes: limits.rememberedAnswerBytes)
        self.service = service
        self.pumped = pumped
        self.observer = observer
    }

    /// The bytes on their way to clients with large replies, by the identity that the ROUTER gave them.
    private var accounts: [[UInt8]: ByteAccount] = [:]
    private var sweepAt = 64

    /// What the voter is to do with a reply.
    enum Delivery {
        /// Send it, and keep what it costs on the client's account if that is worth it.
        case send(Charge?)
        /// The client has more bytes waiting than it may.
        case drop
    }

    func delivery(of reply: borrowing Message, to request: borrowing Request) -> Delivery {
        guard identityFrames == 1 else { return .send(nil) }
        let cost = request.envelope.cost + reply.cost
        guard cost >= ByteAccount.smallestCost else { return .send(nil) }
        sweepIfNeeded()
        let identity = request.message[0].bytes
        let account = accounts[identity] ?? ByteAccount()
        accounts[identity] = account
        let outstanding = account.outstanding
        guard outstanding == 0 || outstanding + cost <= limits.replyQueueBytes else { return .drop }
        return .send(Charge(cost, to: account))
    }

    /// Forgets clients that nothing is on its way to.
    private func sweepIfNeeded() {
        guard accounts.count >= sweepAt else { return }
        accounts = accounts.filter { $0.value.outstanding > 0 }
        sweepAt = max(64, accounts.count * 2)
    }

    /// Takes the outcomes that the pool has, behind those that still wait.
    func takeOutcomes(of pool: HandlerPool) {
        var waiting = Deque<HandlerPool.Outcome>()
        if !outcomes.isEmpty { swap(&waiting, &outcomes) }
        pool.takeFinished(into: &outcomes)
        inFlight -= outcomes.count
        outcomes.prepend(contentsOf: waiting)
    }

    var inlineHandler: InlineHandler? {
        if case .inline(let handler) = service { handler } else { nil }
    }

    /// How many more requests may be read now.
    var room: Int {
        switch service {
        case .inline: .max
        case .pool: concurrency - inFlight
        }
    }
}

extension Voter {
    /// What one pass over a voter's messages keeps. In a local variable, because access to the actor's own state is checked
    /// for exclusivity each time.
    struct Pass {
        /// A message whose memory the next receive may use.
        var spare: Message?
        /// Who answers on the pump, if it is so.
        var inlineHandler: Voter.InlineHandler?
        /// What needs no decision of the member's. Taken again after each that it takes.
        var admission = PairMember.Admission.none
        /// Whether the socket has no more messages now.
        var isDry = false
        /// Admitted requests for the pool.
        var batch: [Request] = []
        var admitted = 0
        var refused = 0
        var replied = 0
        /// Handlers that have ended, and their times in nanoseconds: of all together, and of the latest.
        var handled = 0
        var handlerTime: Int64 = 0
        var latestHandlerTime: Int64 = 0

        /// Takes note of a handler that has ended.
        mutating func handled(for nanoseconds: Int64) {
            handled += 1
            handlerTime += nanoseconds
            latestHandlerTime = nanoseconds
        }
    }
}
