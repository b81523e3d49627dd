/// What an operator asks of a star by its control socket. The article <doc:Control> describes the protocol.
public struct ControlRequest: Sendable, Hashable, Codable {
    /// The version of the protocol: 1.
    public var version: Int
    /// Comes back with the response, so that several requests may be on their way. `nil` for one at a time.
    public var id: UInt64?
    public var command: ControlCommand
    /// With ``ControlCommand/history``: how many of the latest records to return. From 1; `nil` for all.
    public var limit: Int?

    /// The version of the protocol that this library speaks.
    public static let currentVersion = 1

    public init(_ command: ControlCommand, id: UInt64? = nil, limit: Int? = nil) {
        version = Self.currentVersion
        self.id = id
        self.command = command
        self.limit = limit
    }
}

/// What a star can be asked for.
public enum ControlCommand: String, Sendable, Hashable, Codable, CaseIterable {
    /// ``BinaryStar/BinaryStar/status``.
    case status
    /// ``BinaryStar/BinaryStar/history``.
    case history
    /// ``BinaryStar/BinaryStar/stepDown()``. The response comes when it is done.
    case stepDown
    /// ``BinaryStar/BinaryStar/promote()``.
    case promote
    /// ``BinaryStar/BinaryStar/pause()``.
    case pause
    /// ``BinaryStar/BinaryStar/resume()``.
    case resume
    /// ``BinaryStar/BinaryStar/drain()``. The response comes when it is done.
    case drain
}

extension ControlRequest {
    /// Reads a request. Whatever the bytes are, it fails with what to tell the sender.
    ///
    /// - Throws: the error, with the request's number if that could be read.
    static func decode(_ bytes: [UInt8]) throws(Refused) -> ControlRequest {
        let json: JSON
        do throws(JSON.SyntaxError) { json = try JSON(parsing: bytes) } catch {
            throw Refused(error: ControlError(.malformed, "this is no JSON: \(error)"))
        }
        let id = try? json["id"]?.decode(UInt64.self)
        // What the rest means depends on the version.
        guard let version = try? json["version"]?.decode(Int.self) else {
            throw Refused(id: id, error: ControlError(.malformed, "\"version\" is missing; write \"version\":1"))
        }
        guard version == currentVersion else {
            throw Refused(
                id: id,
                error: ControlError(
                    .unsupportedVersion, "version \(version) is not known here; this server speaks version 1"))
        }
        if let command = try? json["command"]?.decode(String.self), ControlCommand(rawValue: command) == nil {
            let known = ControlCommand.allCases.map(\.rawValue).joined(separator: ", ")
            throw Refused(
                id: id, error: ControlError(.unknownCommand, "\"\(command.prefix(40))\" is none of \(known)"))
        }
        do {
            return try json.decode(ControlRequest.self)
        } catch {
            let reason = (error as? DecodingError)?.summary ?? "\(error)"
            throw Refused(id: id, error: ControlError(.malformed, reason))
        }
    }

    /// A request that cannot be taken for one.
    struct Refused: Error {
        var id: UInt64?
        var error: ControlError
    }
}
