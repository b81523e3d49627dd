import BinaryStarCore

// For a reader of a trace.
extension World {
    var summary: String {
        Seat.allCases.map { "\($0): \(nodes[$0].summary)" }.joined(separator: "   ")
    }
}

extension Node {
    fileprivate var summary: String {
        guard let member else { return "down" }
        var words = ["\(member.role)", "\(member.term)"]
        if member.isSuspect { words.append("suspect") }
        if member.isHandingOver { words.append("handing over") }
        if isStalled { words.append("stalled") }
        if unsent != nil { words.append("1 unsent") }
        if !inbox.isEmpty { words.append("\(inbox.count) coming") }
        if duplicate != nil { words.append("1 duplicate coming") }
        for client in 0..<RequestStates.atMost {
            switch requests[client] {
            case .none: break
            case .held: words.append("holds \(client)")
            case .admitted(let term): words.append("serves \(client) in \(term)")
            }
        }
        return words.joined(separator: " ")
    }
}
