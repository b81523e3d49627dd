import BinaryStar
import BinaryStarCore

@testable import bstar

/// A status as a server says it, with some of its fields.
func status(
    _ seat: Seat,
    _ role: Role,
    term: UInt64 = 1_795_624_989_228,
    isServing: Bool? = nil,
    peer: Role? = nil,
    peerIsExpired: Bool = false,
    peerTimeout: Int = 1,
    peerIsPaused: Bool = false,
    isPaused: Bool = false,
    isDrained: Bool = false,
    isHealthy: Bool? = nil,
    isDraining: Bool = false,
    isSuspect: Bool = false,
    pairName: String = "orders",
    rejected: [String: Int] = [:],
    admitted: Int = 1_234_567,
    received: Int = 10,
    linkIsBroken: Bool = false,
    brokenLink: String? = nil,
    incarnation: UInt64 = 7,
    time: Int = 1_795_624_990_818
) throws -> BinaryStar.Status {
    var object = JSONObject()
    object.add("version", BinaryStar.version)
    object.add("time", time)
    object.add("uptime", 93_784.5)
    object.add("pairName", pairName)
    object.add("seat", seat.rawValue)
    object.add("role", "\(role)")
    object.add("term", term)
    object.add("incarnation", incarnation)
    object.add("isServing", isServing ?? (role == .active))
    object.add("isSuspect", isSuspect)
    object.add("isDraining", isDraining)
    object.add("isPaused", isPaused)
    object.add("isDrained", isDrained)
    object.add("isHealthy", isHealthy ?? !isDrained)
    object.add(
        "lastChange",
        try json(
            """
            {"from":"\(seat.initialRole)","to":"\(role)","term":\(term),"cause":"client request","age":3725.5,\
            "peerSilence":1.0004}
            """))
    if let peer {
        object.add(
            "peer",
            try json(
                """
                {"kind":"extended","role":"\(peer)","lastHeard":\(peerIsExpired ? 12.5 : 0.08),"isExpired":\(peerIsExpired),\
                "term":\(term),"incarnation":9,"roundTrip":0.0005,"isHealthy":true,"isDraining":false,\
                "isPaused":\(peerIsPaused),"interval":0.25,"timeout":\(peerTimeout)}
                """))
    }
    let connect = "tcp://\(seat.other).a-rather-long-name.of-a-machine.example.com:5003"
    let lastHeard = peer == nil || peerIsExpired ? "" : #""lastHeard":0.08,"#
    var links = [try json("{\"endpoint\":\"\(connect)\",\(lastHeard)\"isBroken\":\(peerIsExpired || linkIsBroken)}")]
    if let brokenLink {
        links.append(try json("{\"endpoint\":\"\(brokenLink)\",\"lastHeard\":5.1,\"isBroken\":true}"))
    }
    object.add("links", links)
    object.add(
        "requests",
        try json(
            """
            {"admitted":\(admitted),"refused":12,"held":0,"inFlight":3,"dropped":{},"repliesSent":\(admitted),\
            "repliesDropped":{"clientGone":2},"handlersFailed":0}
            """))
    object.add("heartbeats", try JSON(encoding: ["sent": received]).merged(rejected: rejected, received: received))
    object.add("stalls", 0)
    object.add(
        "configuration",
        try json(
            """
            {"listen":["tcp://0.0.0.0:5003"],"connect":["\(connect)"],"voters":["tcp://0.0.0.0:5001"],"interval":0.25,\
            "timeout":1,"wire":"extended","drainTimeout":5}
            """))
    return try json(object.text).decode(BinaryStar.Status.self)
}

func json(_ text: String) throws -> JSON { try JSON(parsing: Array(text.utf8)) }

extension JSON {
    fileprivate func merged(rejected: [String: Int], received: Int) throws -> JSON {
        guard case .object(let members) = self else { return self }
        return .object(
            members + [.init("received", .number("\(received)")), .init("rejected", try JSON(encoding: rejected))])
    }
}

/// A pair of which these servers were asked, and others could not be.
func pair(_ statuses: BinaryStar.Status..., failures: Int = 0) throws -> PairView {
    let error = try json(#"{"code":"unreachable","message":"nobody listens at ipc:///run/bstar/orders-backup.sock"}"#)
        .decode(ControlError.self)
    return PairView(
        statuses.map { ServerView(control: "ipc:///run/bstar/\($0.seat).sock", answer: .success($0)) }
            + (0..<failures).map { _ in ServerView(control: "ipc:///run/bstar/other.sock", answer: .failure(error)) })
}
