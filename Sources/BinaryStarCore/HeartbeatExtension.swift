/// What a heartbeat of ours says beyond the role: the second frame, which a classic server ignores.
///
/// Layout, integers in network byte order, times in nanoseconds:
///
/// | bytes | what |
/// |---|---|
/// | 0–3 | magic `BSTR`, which begins no number |
/// | 4 | version, 1 |
/// | 5 | flags: 1 probe, 2 draining, 4 unhealthy, 8 paused; others are ignored |
/// | 6 | seat: 1 primary, 2 backup |
/// | 7–14 | incarnation: random at the server's start, not 0 |
/// | 15–22 | sequence number, from 1 |
/// | 23–30 | the highest term that the server knows; its own while it is active |
/// | 31–38, 39–46 | its interval and its timeout |
/// | 47–54, 55–62 | incarnation and sequence number of the newest heartbeat that it has received; 0 for none |
/// | 63–70 | how long before it had received that |
/// | 71 | length of the pair's name |
/// | 72– | the pair's name in UTF-8 |
package struct HeartbeatExtension: Sendable, Hashable {
    package struct Flags: OptionSet, Sendable, Hashable {
        package let rawValue: UInt8
        package init(rawValue: UInt8) { self.rawValue = rawValue }

        /// The sender wants an answer at once.
        package static let probe = Flags(rawValue: 1 << 0)
        /// The sender is about to hand over.
        package static let draining = Flags(rawValue: 1 << 1)
        /// The sender cannot serve.
        package static let unhealthy = Flags(rawValue: 1 << 2)
        /// An operator has suspended automatic failover to the sender. For people: the receiver decides nothing by it.
        package static let paused = Flags(rawValue: 1 << 3)
    }

    /// The newest heartbeat of the receiver that the sender has received: proof of how old the sender's words can be at most.
    package struct Echo: Sendable, Hashable {
        package var incarnation: UInt64
        package var sequence: UInt64
        /// How long before the sender had received it.
        package var age: Duration

        package init(incarnation: UInt64, sequence: UInt64, age: Duration) {
            self.incarnation = incarnation
            self.sequence = sequence
            self.age = age
        }
    }

    package var pairName: String
    package var seat: Seat
    package var incarnation: UInt64
    package var sequence: UInt64
    package var term: UInt64
    package var timing: HeartbeatTiming
    package var echo: Echo?
    package var flags: Flags

    package init(
        pairName: String,
        seat: Seat,
        incarnation: UInt64,
        sequence: UInt64,
        term: UInt64,
        timing: HeartbeatTiming,
        echo: Echo? = nil,
        flags: Flags = []
    ) {
        self.pairName = pairName
        self.seat = seat
        self.incarnation = incarnation
        self.sequence = sequence
        self.term = term
        self.timing = timing
        self.echo = echo
        self.flags = flags
    }

    /// The longest name of a pair, in bytes of UTF-8.
    package static let maximumNameLength = 255
}

// MARK: On the wire

extension HeartbeatExtension {
    /// What every version begins with.
    private static let magic = Array("BSTR".utf8)
    private static let version: UInt8 = 1
    private static let fixedLength = 72

    package var encoded: [UInt8] {
        var bytes = Self.magic + [Self.version, flags.rawValue, seat.wireNumber]
        bytes.reserveCapacity(Self.fixedLength + pairName.utf8.count)
        let numbers: [UInt64] = [
            incarnation, sequence, term, UInt64(timing.interval.wholeNanoseconds),
            UInt64(timing.timeout.wholeNanoseconds), echo?.incarnation ?? 0, echo?.sequence ?? 0,
            UInt64(max(0, echo?.age.wholeNanoseconds ?? 0)),
        ]
        for number in numbers { bytes.append(bigEndian: number) }
        let name = pairName.utf8.prefix(Self.maximumNameLength)
        bytes.append(UInt8(name.count))
        bytes.append(contentsOf: name)
        return bytes
    }

    /// Whether the bytes are an extension of ours, of whatever version, and not what somebody else says there.
    static func isExtension(_ bytes: Span<UInt8>) -> Bool {
        bytes.count >= magic.count && magic.indices.allSatisfy { bytes[$0] == magic[$0] }
    }

    /// Reads an extension that begins with the magic.
    static func decode(_ bytes: Span<UInt8>) -> Result<HeartbeatExtension, HeartbeatRejection> {
        guard bytes.count > magic.count else { return .failure(.malformedExtension) }
        guard bytes[4] == version else { return .failure(.unknownVersion) }
        guard bytes.count >= fixedLength, bytes.count == fixedLength + Int(bytes[71]) else {
            return .failure(.malformedExtension)
        }
        func number(_ index: Int) -> UInt64 { bytes.bigEndian(at: 7 + index * 8) }
        guard let seat = Seat(wireNumber: bytes[6]), number(0) != 0, number(1) != 0, number(2) <= Term.maximum,
            let interval = Duration(wireNanoseconds: number(3)), let timeout = Duration(wireNanoseconds: number(4)),
            interval > .zero, timeout >= interval * 2, timeout <= HeartbeatTiming.maximum,
            let age = Duration(wireNanoseconds: number(7))
        else { return .failure(.malformedExtension) }
        let nameBytes = (fixedLength..<bytes.count).map { bytes[$0] }
        guard let name = String(validating: nameBytes, as: UTF8.self) else { return .failure(.malformedExtension) }
        let echo = number(5) == 0 ? nil : Echo(incarnation: number(5), sequence: number(6), age: age)
        return .success(
            HeartbeatExtension(
                pairName: name, seat: seat, incarnation: number(0), sequence: number(1), term: number(2),
                timing: HeartbeatTiming(interval: interval, timeout: timeout), echo: echo,
                flags: Flags(rawValue: bytes[5])))
    }
}

extension Seat {
    fileprivate var wireNumber: UInt8 { initialRole.rawValue }

    fileprivate init?(wireNumber: UInt8) {
        switch wireNumber {
        case Role.primary.rawValue: self = .primary
        case Role.backup.rawValue: self = .backup
        default: return nil
        }
    }
}

extension Duration {
    /// A time of at most ten years.
    fileprivate init?(wireNanoseconds: UInt64) {
        guard wireNanoseconds <= 315_360_000_000_000_000 else { return nil }
        self = .nanoseconds(Int64(wireNanoseconds))
    }
}
