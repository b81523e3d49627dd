public import CoreMetrics
public import Logging
public import ZeroMQ

/// A client of several pairs, for a service that has outgrown one: each key belongs to one of them.
///
/// ```swift
/// let client = try ShardedClient(pairs: [
///     "north": .init(primary: "tcp://north-a:5001", backup: "tcp://north-b:5001"),
///     "south": .init(primary: "tcp://south-a:5001", backup: "tcp://south-b:5001"),
/// ])
/// let reply = try await client.request("balance", for: "customer-17")
/// ```
///
/// Every client with the same pairs and mapping takes a key to the same pair. Which that is changes with the pairs: the data has to
/// move along, and that is up to the service. The pairs fail over each by itself; all of them share one pump.
public final class ShardedClient: Sendable {
    /// Names the pair for a key: one of `pairs`, which are in the order of their names.
    public typealias Mapping = @Sendable (_ key: String, _ pairs: [String]) -> String

    private let clients: [String: BinaryStarClient]
    private let mapping: Mapping

    /// The names of the pairs, in order.
    public let pairs: [String]

    /// - Parameters:
    ///   - pairs: how each pair is reached, by its name. At least one. The names decide which keys go where.
    ///   - pump: the thread that all clients share.
    ///   - metrics: as for ``BinaryStarClient``.
    ///   - logger: as for ``BinaryStarClient``, with the pair's name as `pair`.
    ///   - mapping: which pair a key belongs to; by default ``RendezvousHash``.
    /// - Throws: ``BinaryStarError`` if there is no pair or a configuration is not valid.
    public init(
        pairs: [String: BinaryStarClientConfiguration],
        pump: Pump = Pump(),
        metrics: any MetricsFactory = MetricsSystem.factory,
        logger: Logger = Logger(label: "bstar.client") { _ in SwiftLogNoOpLogHandler() },
        mapping: @escaping Mapping = { RendezvousHash.pair(for: $0, among: $1) ?? "" }
    ) throws(BinaryStarError) {
        guard !pairs.isEmpty else { throw .invalid("pairs", "[:]", "there must be at least one") }
        var clients: [String: BinaryStarClient] = [:]
        for (name, configuration) in pairs {
            var logger = logger
            logger[metadataKey: LogKey.pair] = "\(name)"
            clients[name] = try BinaryStarClient(
                configuration: configuration, pump: pump, metrics: metrics, logger: logger)
        }
        self.clients = clients
        self.pairs = pairs.keys.sorted()
        self.mapping = mapping
    }

    /// The name of the pair that a key belongs to.
    ///
    /// - Throws: ``BinaryStarClientError`` with the code ``BinaryStarClientError/Code/invalidRequest`` if the mapping names none of
    ///   the pairs.
    public func pair(for key: String) throws(BinaryStarClientError) -> String {
        let name = mapping(key, pairs)
        guard clients[name] != nil else {
            throw .invalid("mapping", "\"\(name)\"", "it must name one of the pairs: \(pairs.joined(separator: ", "))")
        }
        return name
    }

    /// The client of the pair with this name, or `nil` if there is none.
    public subscript(pair name: String) -> BinaryStarClient? { clients[name] }

    /// Sends a request to the pair of `key`, and returns the reply. As ``BinaryStarClient/request(_:timeout:delivery:)``.
    public nonisolated(nonsending) func request(
        _ body: Message,
        for key: String,
        timeout: Duration? = nil,
        delivery: BinaryStarClient.Delivery = .atLeastOnce
    ) async throws -> BinaryStarClient.Reply {
        let name = try pair(for: key)
        guard let client = clients[name] else { preconditionFailure("the mapping was checked") }
        return try await client.request(body, timeout: timeout, delivery: delivery)
    }

    /// Closes the clients of all pairs. Requests that wait fail with ``BinaryStarClientError/Code/closed``.
    public func close() async {
        for client in clients.values { await client.close() }
    }
}
