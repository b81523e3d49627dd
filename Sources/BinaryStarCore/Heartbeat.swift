/// A heartbeat as it came over the wire: the peer's role.
///
/// A heartbeat is one frame with one ASCII digit, `1` to `4`. A newer peer adds a second frame, an extension whose first
/// byte can begin no number, so that a server that takes each frame for a heartbeat of its own ignores it.
package struct Heartbeat: Sendable, Hashable {
    package var role: Role

    package init(role: Role) {
        self.role = role
    }

    /// The one frame of a classic heartbeat.
    package var frame: [UInt8] { [Self.zero + role.rawValue] }

    /// The longest extension that counts, in bytes.
    package static let maximumExtensionLength = 1_024

    private static let zero = UInt8(ascii: "0")

    /// Reads a heartbeat.
    ///
    /// - Parameters:
    ///   - frameCount: how many frames the message has.
    ///   - state: the bytes of its first frame.
    ///   - extension: the bytes of its second frame, if it has one.
    package static func decode(
        frameCount: Int,
        state: Span<UInt8>,
        extension: Span<UInt8>?
    ) -> Result<Heartbeat, HeartbeatRejection> {
        guard frameCount <= 2 else { return .failure(.tooManyFrames) }
        guard !state.isEmpty else { return .failure(.empty) }
        guard state.count == 1, state[0] > zero, let role = Role(rawValue: state[0] - zero) else {
            return .failure(.notARole)
        }
        if let `extension` {
            guard `extension`.count <= maximumExtensionLength else { return .failure(.extensionTooLong) }
            if !`extension`.isEmpty, canBeginNumber(`extension`[0]) {
                return .failure(.extensionIsNumeric)
            }
        }
        return .success(Heartbeat(role: role))
    }

    /// Whether a C `atoi` or a Python `int` could find a number behind this first byte: a digit, a sign or white space.
    private static func canBeginNumber(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"): true
        case UInt8(ascii: " "), 9...13: true
        default: false
        }
    }
}

/// Why a message on the peer link is no heartbeat.
public enum HeartbeatRejection: String, Error, Sendable, Hashable, CaseIterable {
    /// The first frame has no bytes.
    case empty
    /// The first frame is not exactly one digit from 1 to 4.
    case notARole
    /// There are more than two frames.
    case tooManyFrames
    /// The second frame is longer than 1,024 bytes.
    case extensionTooLong
    /// The second frame could be read as a number, so that a classic server would take it for a role.
    case extensionIsNumeric
}
