import ZeroMQ

/// A voter's socket and what belongs to it. Used on the pump's thread only.
final class Voter {
    /// Who answers.
    enum Service {
        /// On the pump, at once.
        case inline(@Sendable (Request) throws -> Message?)
        /// Off the pump.
        case pool(HandlerPool)
    }

    let identityFrames: Int
    let replies: Bool
    let needsDelimiter: Bool
    let endpoint: String
    let limits: VoterLimits
    let service: Service
    let pumped: PumpedSocket

    /// How many requests the pool may have.
    let concurrency: Int

    /// How many requests the pool has.
    var inFlight = 0
    /// A message whose memory the next receive may use.
    var spare: Message?
    /// Requests for the pool, kept for its memory.
    var batch: [Request] = []
    /// Outcomes from the pool, kept for its memory.
    var outcomes: [HandlerPool.Outcome] = []

    init(type: VoterType, endpoint: String, limits: VoterLimits, service: Service, pumped: PumpedSocket) {
        identityFrames = type.identityFrames
        replies = type.replies
        needsDelimiter = type == .rep
        concurrency = type.isSequential ? 1 : limits.concurrency
        self.endpoint = endpoint
        self.limits = limits
        self.service = service
        self.pumped = pumped
    }

    /// How many more requests may be read now.
    var room: Int {
        switch service {
        case .inline: .max
        case .pool: concurrency - inFlight
        }
    }
}
