/// Requests about which the state machine has not decided yet, in the order of their arrival, bounded in number and bytes.
struct HeldRequests {
    private(set) var items: [(voter: Int, request: Request)] = []
    private var cost = 0

    private static let maximumCount = 10_000
    private static let maximumCost = 16 << 20

    var isEmpty: Bool { items.isEmpty }

    /// Keeps a request; false if there is no room.
    mutating func add(_ request: Request, of voter: Int) -> Bool {
        let requestCost = request.message.cost
        guard items.count < Self.maximumCount, cost + requestCost <= Self.maximumCost else { return false }
        items.append((voter, request))
        cost += requestCost
        return true
    }

    mutating func takeAll() -> [(voter: Int, request: Request)] {
        defer { self = HeldRequests() }
        return items
    }
}
