import BinaryStarCore
import Synchronization

/// What was explored, and what was found.
package struct Exploration: Sendable {
    package internal(set) var states = 0
    package internal(set) var transitions = 0
    /// All that can happen up to this tick was looked at.
    package internal(set) var ticks = -1
    /// The most moves that it takes to get to one of the situations.
    package internal(set) var moves = 0
    /// Whether nothing new can come, however long it goes on.
    package internal(set) var isClosed = false
    package internal(set) var seconds = 0.0
    package internal(set) var violation: String?
    /// The fewest moves to the violation, for a reader.
    package internal(set) var trace: [String] = []
}

/// Looks at every situation that can arise within bounds: breadth first, tick by tick and in each tick move by move, so
/// that the first violation found is one of the soonest and of the shortest.
///
/// A situation that has been seen is not looked at again. It was seen first at the earliest tick at which it can arise, so
/// that all that can follow from it within the bounds was looked at then.
package final class Explorer {
    private struct Item {
        var situation: Situation
        var number: Int
    }

    /// Worlds are large, and are passed from list to list.
    private final class Situation: Sendable {
        let world: World
        init(_ world: World) { self.world = world }
    }

    /// How a situation arose first.
    private struct Origin {
        var parent: Int
        var move: UInt8
    }

    /// What one worker brings back from one step.
    private struct Harvest {
        var thisTick: [(Situation, Origin)] = []
        var nextTick: [(Situation, Origin)] = []
        var transitions = 0
        var violation: (text: String, origin: Origin)?
    }

    private let bounds: Bounds
    private let seen = SeenSituations()
    private var origins: [Origin] = []
    private var result = Exploration()

    private init(_ bounds: Bounds) { self.bounds = bounds }

    package static func explore(_ bounds: Bounds) async -> Exploration {
        await Explorer(bounds).run()
    }

    /// One step for each number of moves.
    private func run() async -> Exploration {
        let start = ContinuousClock.now
        func elapsed() -> Double { (ContinuousClock.now - start) / .seconds(1) }
        let initial = World(bounds)
        _ = seen.insert(initial.fingerprint)
        origins.append(Origin(parent: -1, move: 0))
        var frontier = [Item(situation: Situation(initial), number: 0)]
        var later: [Item] = []
        while result.violation == nil {
            result.moves += 1
            let harvests = await expand(frontier)
            frontier = []
            for harvest in harvests {
                result.transitions += harvest.transitions
                for (situation, origin) in harvest.thisTick { frontier.append(item(situation, origin)) }
                for (situation, origin) in harvest.nextTick { later.append(item(situation, origin)) }
            }
            if let violation = harvests.compactMap(\.violation).min(by: { $0.text < $1.text }) {
                result.violation = violation.text
                result.trace = trace(to: violation.origin)
            }
            if frontier.isEmpty {
                result.ticks += 1
                if later.isEmpty {
                    result.isClosed = bounds.ticks.map { result.ticks < $0 } ?? true
                    break
                }
                swap(&frontier, &later)
            }
            if origins.count >= bounds.states || elapsed() >= bounds.seconds { break }
        }
        result.states = origins.count
        result.seconds = elapsed()
        return result
    }

    private func item(_ situation: Situation, _ origin: Origin) -> Item {
        origins.append(origin)
        return Item(situation: situation, number: origins.count - 1)
    }

    // MARK: One step

    private static let portion = 256

    private func expand(_ frontier: [Item]) async -> [Harvest] {
        let next = Cursor()
        let seen = seen
        return await withTaskGroup(of: Harvest.self) { group in
            for _ in 0..<min(bounds.workers, frontier.count / Self.portion + 1) {
                group.addTask {
                    var harvest = Harvest()
                    while true {
                        let first = next.take(Self.portion)
                        guard first < frontier.count else { return harvest }
                        for item in frontier[first..<min(first + Self.portion, frontier.count)] {
                            Self.expand(item, seen, &harvest)
                        }
                    }
                }
            }
            var harvests: [Harvest] = []
            for await harvest in group { harvests.append(harvest) }
            return harvests
        }
    }

    private static func expand(_ item: Item, _ seen: SeenSituations, _ harvest: inout Harvest) {
        for (index, move) in item.situation.world.moves().enumerated() {
            var world = item.situation.world
            world.perform(move)
            harvest.transitions += 1
            let origin = Origin(parent: item.number, move: UInt8(index))
            if let violation = world.violation {
                if harvest.violation.map({ violation < $0.text }) ?? true { harvest.violation = (violation, origin) }
                continue
            }
            guard seen.insert(world.fingerprint) else { continue }
            if move == .rest(.backup) {
                harvest.nextTick.append((Situation(world), origin))
            } else {
                harvest.thisTick.append((Situation(world), origin))
            }
        }
    }

    // MARK: The way to a violation

    private func trace(to last: Origin) -> [String] {
        var indices = [Int(last.move)]
        var number = last.parent
        while origins[number].parent >= 0 {
            indices.append(Int(origins[number].move))
            number = origins[number].parent
        }
        var world = World(bounds)
        var lines: [String] = []
        for index in indices.reversed() {
            let move = world.moves()[index]
            let line = "\(world.now)".padded(to: 4) + "\(move)".padded(to: 44)
            world.perform(move)
            lines.append(line + world.summary)
        }
        return lines
    }
}

/// Where the workers are.
private final class Cursor: Sendable {
    private let position = Atomic(0)

    func take(_ count: Int) -> Int { position.add(count, ordering: .relaxed).oldValue }
}

extension String {
    fileprivate func padded(to length: Int) -> String {
        self + String(repeating: " ", count: max(1, length - count))
    }
}
