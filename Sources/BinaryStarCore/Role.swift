/// The state of a server of the pair, as the finite-state machine has it.
///
/// The raw values are what goes over the wire: a heartbeat is one ASCII digit, the sender's role.
///
/// Source: zguide, chapter 4, "Binary Star Implementation".
public enum Role: UInt8, Sendable, Hashable, CaseIterable {
    /// Configured as primary, and waiting for the peer.
    case primary = 1
    /// Configured as backup, and waiting for the peer.
    case backup = 2
    /// Serves clients.
    case active = 3
    /// Watches the active peer and refuses clients.
    case passive = 4
}

extension Role: CustomStringConvertible {
    public var description: String {
        switch self {
        case .primary: "primary"
        case .backup: "backup"
        case .active: "active"
        case .passive: "passive"
        }
    }
}

/// Coded by its name, as people read it, and not by the number of the wire.
extension Role: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let name = try container.decode(String.self)
        guard let role = Role(name: name) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "\"\(name)\" is no role")
        }
        self = role
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }

    /// The role that describes itself so.
    package init?(name: some StringProtocol) {
        guard let role = Role.allCases.first(where: { $0.description == name }) else { return nil }
        self = role
    }
}

/// What a server is configured as. Unlike its ``Role`` it never changes.
///
/// One server of a pair takes the primary seat, the other the backup seat. The primary may become active on a client's
/// request alone, once its peer counts as gone; the backup that has never met its peer may not.
public enum Seat: String, Sendable, Hashable, CaseIterable, Codable {
    case primary
    case backup

    /// The role in which a server of this seat starts.
    public var initialRole: Role {
        switch self {
        case .primary: .primary
        case .backup: .backup
        }
    }

    /// The seat of the other server.
    package var other: Seat {
        switch self {
        case .primary: .backup
        case .backup: .primary
        }
    }
}

extension Seat: CustomStringConvertible {
    public var description: String { rawValue }
}
