import BinaryStarCore

/// Looks at what servers and clients wrote down, and knows nothing of how they decide.
struct Checker {
    struct Violation: Error, CustomStringConvertible {
        var description: String
    }

    /// In the order of their instants.
    private let records: [Record]
    /// While the link between the servers was cut, up to the instant at which the conflict had healed.
    private let cut: ClosedRange<Int64>?

    /// - Parameter cut: the time in which the link between the servers did not work, for which rule 2 says nothing.
    init(_ records: [Record], cut: ClosedRange<Int64>? = nil) {
        // A change of role comes before what was admitted at the same instant because of it.
        self.records = records.filter { $0.at != nil }.enumerated().sorted { left, right in
            let key = { (pair: (offset: Int, element: Record)) in
                (pair.element.at ?? 0, pair.element.event == .role ? 0 : 1, pair.offset)
            }
            return key(left) < key(right)
        }.map(\.element)
        self.cut = cut
    }

    /// All that must hold after every fault.
    func checkAll() throws {
        try checkOneActive()
        try checkTermsOfActivations()
        try checkTermsOfAdmissions()
        try checkClientsNeverGoBack()
    }

    /// "No server admits a request after the other has become active." Nor does it decide to reply; and what a client sent to it after
    /// that instant has no reply either, whatever the server itself says about when it admitted what.
    func checkOneActive() throws {
        let activations = records.filter(\.isActivation)
        for record in records {
            guard let seat = record.seat, let term = record.term, let at = record.at else { continue }
            let instant: Int64
            switch record.event {
            case .admitted, .replied: instant = at
            case .accepted, .answered: instant = record.sent ?? at
            case .started, .role, .dropped, .failed, .refused: continue
            }
            if let cut, cut.contains(instant) { continue }
            let later = activations.first { $0.seat != seat && ($0.term ?? 0) > term && ($0.at ?? 0) < instant }
            guard let later, let since = later.at else { continue }
            throw Violation(
                description: "the \(seat), in term \(term): \(record.event) at \(instant), "
                    + "\((instant - since).milliseconds) ms after the other had become active in term \(later.term ?? 0)"
            )
        }
    }

    /// No two activations have the same term, and while the servers hear each other each has a higher one than all before.
    func checkTermsOfActivations() throws {
        var seen: Set<UInt64> = []
        var highest: UInt64 = 0
        for record in records where record.isActivation {
            guard let term = record.term, let at = record.at else { continue }
            guard seen.insert(term).inserted else { throw Violation(description: "term \(term) was minted twice") }
            guard term > highest || cut?.contains(at) == true else {
                throw Violation(description: "term \(term) was minted after term \(highest)")
            }
            highest = max(highest, term)
        }
    }

    /// What is admitted has the term of the server's own latest activation, and what a client took has the term of an
    /// activation of the server that it names.
    func checkTermsOfAdmissions() throws {
        var active: [Seat: UInt64] = [:]
        var activations: [Seat: Set<UInt64>] = [:]
        for record in records {
            guard let seat = record.seat else { continue }
            switch record.event {
            case .started: active[seat] = nil
            case .role:
                active[seat] = record.role == "active" ? record.term : nil
                if let term = active[seat] { activations[seat, default: []].insert(term) }
            case .admitted:
                guard active[seat] == record.term else {
                    throw Violation(
                        description: "the \(seat) admitted a request in term \(record.term ?? 0), and was "
                            + (active[seat].map { "active in term \($0)" } ?? "not active"))
                }
            case .accepted, .answered:
                guard let term = record.term, activations[seat]?.contains(term) == true else {
                    throw Violation(
                        description: "the \(seat) answered in term \(record.term ?? 0), in which it was never active")
                }
            case .replied, .dropped, .failed, .refused: break
            }
        }
    }

    /// "A client of ours never accepts a reply of a lower term than it has seen."
    func checkClientsNeverGoBack() throws {
        var highest: [String: UInt64] = [:]
        for record in records where record.event == .accepted {
            guard let client = record.client, let term = record.term else { continue }
            guard term >= highest[client, default: 0] else {
                throw Violation(
                    description:
                        "client \(client) took a reply of term \(term) after one of term \(highest[client] ?? 0)")
            }
            highest[client] = term
        }
    }

    /// "After a partition that made both active, the higher term stays and the lower goes passive."
    ///
    /// - Returns: from when both were active until the lower one went passive, or `nil` if they never were.
    func checkConflictHealed() throws -> ClosedRange<Int64>? {
        var active: [Seat: UInt64] = [:]
        var conflict: (winner: Seat, term: UInt64, since: Int64)?
        var healed: ClosedRange<Int64>?
        for record in records where record.event == .role || record.event == .started {
            guard let seat = record.seat, let at = record.at else { continue }
            active[seat] = record.role == "active" ? record.term : nil
            if active.count == 2, let winner = active.max(by: { $0.value < $1.value }) {
                conflict = (winner.key, winner.value, healed == nil ? conflict?.since ?? at : at)
                healed = nil
            } else if let (winner, term, since) = conflict, healed == nil {
                guard active == [winner: term], record.role == "passive" else {
                    throw Violation(
                        description: "both were active, the \(winner) in the higher term \(term); then the \(seat) "
                            + "became \(record.role ?? "")")
                }
                healed = since...at
            }
        }
        if conflict != nil, healed == nil { throw Violation(description: "both servers stayed active") }
        return healed
    }
}

/// What is measured, from the same records.
extension Checker {
    /// From the last good reply before the longest gap to the first after it, in nanoseconds. The replies of one client of ours.
    var longestGap: Int64 {
        let replies = records.filter { $0.event == .accepted }.compactMap(\.at)
        return zip(replies.dropFirst(), replies).map { $0 - $1 }.max() ?? .max
    }

    /// The longest time from the last reply of one server to the first of the other; `nil` if one server sent all.
    var gapOfTheTakeover: Int64? {
        let replies = records.filter { $0.event == .accepted }
        return zip(replies.dropFirst(), replies).compactMap { reply, before in
            reply.seat == before.seat ? nil : (reply.at ?? 0) - (before.at ?? 0)
        }.max()
    }

    /// How long the slowest request of a client of ours took.
    var longestRequest: Int64 {
        records.filter { $0.event == .accepted }.compactMap { record in
            if let at = record.at, let sent = record.sent { at - sent } else { nil }
        }.max() ?? .max
    }

    /// From each change of role to the change that it made its peer take, in nanoseconds.
    var delaysOfThePeer: [Int64] {
        var latest: [Seat: Record] = [:]
        var started: [Seat: Int64] = [:]
        var delays: [Int64] = []
        for record in records where record.event == .role || record.event == .started {
            guard let seat = record.seat, let at = record.at else { continue }
            guard record.event == .role else {
                started[seat] = at
                continue
            }
            // One that has started since could not hear the change.
            if let change = latest[seat.other], let changedAt = change.at, changedAt > started[seat] ?? 0,
                record.cause == "peer \(change.role ?? "")"
            {
                delays.append(at - changedAt)
            }
            latest[seat] = record
        }
        return delays
    }

    /// The changes of role, and of the term in the same role, from this instant on.
    func roleChanges(since instant: Int64) -> [Record] {
        records.filter { $0.event == .role && ($0.at ?? 0) >= instant }
    }

    var failures: Int { records.count { $0.event == .failed } }

    /// The servers from which a client of ours took replies, one after the other.
    var servers: [Seat] {
        records.filter { $0.event == .accepted }.compactMap(\.seat).reduce(into: []) { servers, seat in
            if servers.last != seat { servers.append(seat) }
        }
    }
}
