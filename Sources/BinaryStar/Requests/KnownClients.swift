import DequeModule
import ZeroMQ

/// The clients of ours that a voter has heard of lately, and the way to each, so that they can be told of a change of role.
/// Bounded; those that were first heard of long ago are forgotten first.
struct KnownClients {
    private var paths: [UInt64: Message] = [:]
    /// In the order in which they were first heard of.
    private var order = Deque<UInt64>()
    // The client of the latest request: many requests in a row are of the same one.
    private var latest: UInt64 = 0
    private var latestPath = Message()

    static let maximumCount = 16_384
    /// Longer ways are made by chains of proxies only, in bytes.
    private static let longestPath = 512

    /// Takes note of who sent `request`. Costs a comparison if that is known already.
    mutating func note(_ request: borrowing Request) {
        guard let header = request.header else { return }
        let count = request.pathLength
        if header.incarnation == latest, request.message.starts(with: latestPath, count: count) { return }
        guard request.envelope.cost <= Self.longestPath else { return }
        if let known = paths[header.incarnation], request.message.starts(with: known, count: count) {
            (latest, latestPath) = (header.incarnation, known)
            return
        }
        let path = request.message.prefixCopy(count)
        if paths.updateValue(path, forKey: header.incarnation) == nil { order.append(header.incarnation) }
        (latest, latestPath) = (header.incarnation, path)
        while order.count > Self.maximumCount, let oldest = order.popFirst() { paths[oldest] = nil }
    }

    var count: Int { paths.count }

    /// Calls `tell` with each client and the way to it, and forgets those for which it returns false.
    mutating func forEach(_ tell: (UInt64, Message) -> Bool) {
        var isGone = false
        for (client, path) in paths where !tell(client, path) {
            paths[client] = nil
            isGone = true
        }
        guard isGone else { return }
        order = order.filter { paths[$0] != nil }
        (latest, latestPath) = (0, Message())
    }
}
