/// Which request of which client: the same for every copy of a request that is sent again.
///
/// A store that both servers write to can use it to apply a request once only, whichever of them handles it, and however
/// often.
public struct RequestID: Sendable, Hashable, Codable {
    /// Random at the client's start, so that its lives can be told apart.
    public var client: UInt64
    /// From 1 in each life of a client. Requests that were begun at the same time arrive in any order.
    public var number: UInt64

    public init(client: UInt64, number: UInt64) {
        self.client = client
        self.number = number
    }
}

extension RequestID: CustomStringConvertible {
    public var description: String { "\(String(client, radix: 16))/\(number)" }
}
