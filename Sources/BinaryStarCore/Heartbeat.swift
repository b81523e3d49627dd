/// A heartbeat: the sender's role, and what a server of ours says beyond it.
///
/// A heartbeat is one frame with one ASCII digit, `1` to `4`. A server of ours adds a second frame, whose first byte can
/// begin no number, so that the zguide's C servers, which take each frame for a heartbeat of its own, ignore it. Its Python reactor
/// reads the first frame only; its `bstarsrv.py` ends on the second one, and needs ``HeartbeatWire/classic``.
package struct Heartbeat: Sendable, Hashable {
    package var role: Role
    /// `nil` in the heartbeat of a classic server.
    package var `extension`: HeartbeatExtension?

    package init(role: Role, extension: HeartbeatExtension? = nil) {
        self.role = role
        self.extension = `extension`
    }

    /// The frames of the message: one, or two with the extension.
    package var frames: [[UInt8]] {
        let state = [Self.zero + role.rawValue]
        return `extension`.map { [state, $0.encoded] } ?? [state]
    }

    /// The longest second frame that counts, in bytes.
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
            if !`extension`.isEmpty {
                guard !canBeginNumber(`extension`[0]) else { return .failure(.extensionIsNumeric) }
                if HeartbeatExtension.isExtension(`extension`) {
                    return HeartbeatExtension.decode(`extension`).map { Heartbeat(role: role, extension: $0) }
                }
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

/// Why a message on the peer link does not count as the peer's heartbeat.
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
    /// The second frame is an extension of a version that this server does not know.
    case unknownVersion
    /// The second frame is an extension with a wrong length or a value out of range.
    case malformedExtension
    /// There is no extension, but the peer sent one less than a timeout ago. A peer that restarts as a classic one counts
    /// when that time is over.
    case extensionMissing
    /// The sender belongs to a pair with another name.
    case otherPair
    /// The heartbeat is this server's own: it is connected to itself.
    case ownHeartbeat
    /// The sender has the same seat as this server.
    case sameSeat
    /// The sender has said something newer already, or has restarted since.
    case stale
}
