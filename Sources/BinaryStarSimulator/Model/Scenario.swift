package import BinaryStarCore

/// All that is decided before a run begins. The rest follows from it and from the seed.
package struct Scenario: Sendable {
    package enum Pair: Sendable, Hashable {
        case ours
        /// The server of this seat is a classic one.
        case classic(Seat)
    }

    package enum ClientKind: Sendable, Hashable {
        /// `REQ`, with a retry at the other server after a timeout.
        case classic
        /// Understands refusals and terms.
        case ours
    }

    package var seed: UInt64
    package var pair: Pair
    /// Connections between the servers in each direction.
    package var links: Int
    /// Whether a server knows after a restart which term it had reached.
    package var keepsTerms: Bool
    package var provesDeath: Bool
    package var coldStart: ColdStart
    /// By seat; the timing of a classic server is its own.
    package var timing: [HeartbeatTiming]
    /// What a server of ours speaks and does beside a classic one.
    package var wire: HeartbeatWire
    package var conflictPolicy: ConflictPolicy
    package var driftPartsPerMillion: [Int64]
    package var clockOffset: [Instant]
    package var wallOffset: [Instant]
    package var clients: [ClientKind]
    /// By seat: when the server starts first.
    package var starts: [Instant]
    /// Whether the backup dies for good when the faults end: the primary has to serve alone.
    package var backupDies: Bool
    package var faults: [TimedFault]
    /// From when on nothing goes wrong any more.
    package var faultsEnd: Instant
    package var end: Instant

    /// The time at the end of a run in which the pair has to recover.
    package static let recovery = Instant.seconds(16)

    package static func draw(seed: UInt64) -> Scenario {
        var random = SplitMix64(seed: seed)
        let pair: Pair =
            random.chance(permille: 800) ? .ours : .classic(random.element(of: [.primary, .backup]))
        let length = Instant.seconds(random.number(in: 8...30))
        var clients: [ClientKind] = [.ours]
        for _ in 0..<random.number(in: 0...2) { clients.append(random.element(of: [.ours, .classic])) }
        var scenario = Scenario(
            seed: seed, pair: pair, links: pair == .ours ? Int(random.number(in: 1...2)) : 1,
            keepsTerms: random.chance(permille: 300), provesDeath: random.chance(permille: 600),
            coldStart: random.chance(permille: 200) ? .after(.seconds(3)) : .never,
            timing: [.standard, .standard], wire: .extended, conflictPolicy: .failStop,
            driftPartsPerMillion: (0..<2).map { _ in random.number(in: -4_900...4_900) },
            clockOffset: (0..<2).map { _ in random.number(in: 0...Instant.seconds(100_000)) },
            wallOffset: (0..<2).map { _ in random.number(in: 0...Instant.milliseconds(50)) },
            clients: clients, starts: (0..<2).map { _ in Instant.milliseconds(random.number(in: 0...400)) },
            backupDies: pair == .ours && random.chance(permille: 200), faults: [],
            faultsEnd: length, end: length + recovery)
        // Alone for longer than a timeout, and for as long as a cold start takes.
        if random.chance(permille: 120) {
            scenario.starts[Int(random.number(in: 0...1))] = Instant.milliseconds(random.number(in: 400...6_000))
        }
        scenario.drawTiming(using: &random)
        scenario.drawFaults(until: length, using: &random)
        if scenario.backupDies, random.chance(permille: 500) {
            // In the middle of a handover to it.
            let instant = length - Instant.microseconds(random.number(in: 0...60_000))
            scenario.faults.append(TimedFault(instant: instant, fault: .stepDown(.primary)))
        }
        return scenario
    }

    /// Most pairs have one timing; of some, each server has its own.
    private mutating func drawTiming(using random: inout SplitMix64) {
        if case .classic(let seat) = pair {
            timing[seat.index] = .classic
            wire = random.chance(permille: 250) ? .classic : .extended
            timing[seat.other.index] = wire == .extended && random.chance(permille: 500) ? .standard : .classic
            conflictPolicy = random.chance(permille: 300) ? .stepDown : .failStop
        } else if random.chance(permille: 300) {
            timing = (0..<2).map { _ in
                random.element(of: [
                    .standard, HeartbeatTiming(interval: .milliseconds(200), timeout: .milliseconds(800)),
                    HeartbeatTiming(interval: .milliseconds(400), timeout: .milliseconds(1_600)),
                    HeartbeatTiming(interval: .milliseconds(500), timeout: .milliseconds(1_500)),
                ])
            }
        }
    }

    private mutating func drawFaults(until last: Instant, using random: inout SplitMix64) {
        // Some runs see few faults, and many see only some kinds: what one kind would hide, another run shows.
        let count = random.element(of: [0, 2, 4, 8, 16])
        let kinds = (0..<5).map { _ in random.number(in: 0...15) }
        for _ in 0..<count {
            let instant = random.number(in: Instant.milliseconds(200)...last)
            var draw = FaultDraw(random: random, remaining: last - instant)
            let fault = draw.fault(ofKind: draw.random.element(of: kinds))
            random = draw.random
            faults.append(TimedFault(instant: instant, fault: fault))
        }
        faults.sort { $0.instant < $1.instant }
    }
}

/// Draws the particulars of one fault.
private struct FaultDraw {
    var random: SplitMix64
    /// A fault with a duration ends with the others.
    let remaining: Instant

    private mutating func seat() -> Seat { random.element(of: [.primary, .backup]) }

    private mutating func span(_ milliseconds: ClosedRange<Int64>) -> Instant {
        min(
            remaining,
            Instant.microseconds(random.number(in: milliseconds.lowerBound * 1_000...milliseconds.upperBound * 1_000)))
    }

    /// Around the times that matter to the protocol: the lease, the expiry and multiples of them.
    private mutating func stall() -> Instant {
        span(random.element(of: [100...400, 500...700, 900...1_200, 1_200...2_600, 2_000...6_000]))
    }

    mutating func fault(ofKind kind: Int64) -> Fault {
        switch kind {
        case 0: .stall(seat(), stall())
        case 1, 2: .stallAtStep(seat(), random.element(of: Fault.Step.allCases), stall())
        case 3:
            .crash(
                seat(), downFor: span(random.element(of: [1...20, 50...400, 800...1_500, 2_000...5_000])),
                losesInFlight: random.chance(permille: 500))
        case 4: .stepWallClock(seat(), by: Instant.seconds(random.number(in: -100...100)))
        case 5: .cutPeerLink(from: seat(), for: span(50...4_000), buffers: random.chance(permille: 500))
        case 6: .cutClients(of: seat(), for: span(100...4_000))
        case 7: .loseHeartbeats(permille: random.number(in: 50...700), for: span(500...5_000))
        case 8: .duplicateHeartbeats(permille: random.number(in: 50...900), for: span(500...5_000))
        case 9: .slowPeerLink(maximum: Instant.milliseconds(random.number(in: 50...600)), for: span(500...5_000))
        case 10: .stepDown(seat())
        case 11: random.chance(permille: 500) ? .promote(seat()) : .pause(seat(), for: span(500...4_000))
        case 12: .unhealthy(seat(), for: span(300...4_000))
        case 13: .strayHeartbeat(to: seat(), random.element(of: Fault.Stray.allCases))
        case 14: .subscribeOften(to: seat())
        default: .forgedTerm(to: seat(), random.element(of: [1 << 41, 1 << 62, .max]))
        }
    }
}
