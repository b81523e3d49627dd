import BinaryStarCore

/// The connections between the two servers, and what is wrong with them.
struct SimulatedNetwork {
    /// One direction of one link.
    struct Connection {
        /// What is published earlier is lost: the other side has not connected yet.
        var connectedAt: Instant = 0
        var lastDelivery: Instant = 0
    }

    let links: Int
    /// By link and by the sender's seat.
    var connections: [Connection]
    /// By the sender's seat: the ends of the cuts that lose, and of those that hold back.
    var cutUntil: [Instant] = [-1, -1]
    var heldBackUntil: [Instant] = [-1, -1]
    var clientsCutUntil: [Instant] = [-1, -1]
    var lossPermille: (Int64, until: Instant) = (0, 0)
    var duplicationPermille: (Int64, until: Instant) = (0, 0)
    var slow: (maximum: Instant, until: Instant) = (0, 0)
    /// By the sender's seat: messages sent before this by an earlier life are lost.
    var lostBefore: [Instant] = [-1, -1]
    var now: Instant = 0

    init(links: Int) {
        self.links = links
        connections = Array(repeating: Connection(), count: links * 2)
    }

    mutating func connect(_ seat: Seat, at now: Instant, after delay: () -> Instant) {
        for index in connections.indices {
            connections[index].connectedAt = max(connections[index].connectedAt, now + delay())
        }
    }

    mutating func disconnect(_ seat: Seat, losesInFlight: Bool) {
        if losesInFlight { lostBefore[seat.index] = now }
        for index in connections.indices { connections[index].lastDelivery = 0 }
    }

    /// The sender of a connection.
    static func sender(of connection: Int) -> Seat { connection % 2 == Seat.primary.index ? .primary : .backup }

    func isCut(from seat: Seat) -> Bool { now < max(cutUntil[seat.index], heldBackUntil[seat.index]) }

    func areClientsCut(from seat: Seat) -> Bool { now < clientsCutUntil[seat.index] }

    /// When a message over the link that is sent now arrives; none, one or two times.
    mutating func deliveries(from seat: Seat, link: Int, using random: inout SplitMix64) -> [Instant] {
        let index = link * 2 + seat.index
        guard now >= connections[index].connectedAt, now >= cutUntil[seat.index] else { return [] }
        if now < lossPermille.until, random.chance(permille: lossPermille.0) { return [] }
        var delay = Instant.microseconds(random.number(in: 50...20_000))
        if random.chance(permille: 20) { delay = Instant.milliseconds(random.number(in: 20...120)) }
        if now < slow.until { delay = random.number(in: delay...max(delay, slow.maximum)) }
        var arrival = now + delay
        if now < heldBackUntil[seat.index] { arrival = max(arrival, heldBackUntil[seat.index]) }
        // One connection delivers in order.
        arrival = max(arrival, connections[index].lastDelivery + 1)
        connections[index].lastDelivery = arrival
        guard now < duplicationPermille.until, random.chance(permille: duplicationPermille.0) else { return [arrival] }
        return [arrival, arrival + Instant.microseconds(random.number(in: 1...200_000))]
    }
}
