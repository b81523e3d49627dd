import BinaryStar
import BinaryStarCore

/// What requests carry.
enum Payload: Sendable {
    /// Each its number.
    case number
    /// All the same.
    case same(Message)
    /// Each a line of standard input.
    case lines(StandardInput)

    /// This many bytes, printable and the same in each request.
    static func filler(_ size: ByteSize) -> Payload {
        .same(Message((0..<size.bytes).lazy.map { UInt8(ascii: "a") + UInt8($0 % 26) }))
    }

    /// What the next request carries, or `nil` if there is no more.
    func message(_ number: Int) async throws -> Message? {
        switch self {
        case .number: Message("\(number)")
        case .same(let message): message
        case .lines(let input): try await input.nextLine().map { Message($0) }
        }
    }
}
