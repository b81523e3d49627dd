import BinaryStarCore
import Foundation

/// A line that a server or a client wrote down about itself. All instants are of the machine's one monotonic clock, in nanoseconds.
struct Record: Sendable, Decodable {
    enum Event: String, Sendable, Decodable {
        /// By servers, in their access log.
        case started, role, admitted, replied, dropped
        /// By clients of ours: a reply that was taken, and a request that got none.
        case accepted, failed
        /// By who asks one server only, whatever its role.
        case answered, refused
    }

    var event: Event
    var seat: Seat?
    var term: UInt64?
    var at: Int64?
    var role: String?
    var from: String?
    var cause: String?
    var client: String?
    var sent: Int64?

    /// The records of a file in their order. A process that was killed may have cut off the last one.
    static func read(_ path: String) -> [Record] {
        guard let data = FileManager.default.contents(atPath: path) else { return [] }
        let decoder = JSONDecoder()
        return data.split(separator: UInt8(ascii: "\n")).compactMap { try? decoder.decode(Record.self, from: $0) }
    }

    var isActivation: Bool { event == .role && role == "active" }
}

extension Int64 {
    var milliseconds: Double { Double(self) / 1_000_000 }
}
