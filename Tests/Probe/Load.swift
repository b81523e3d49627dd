import BinaryStar
import BinaryStarCore
import Foundation
import Synchronization
import ZeroMQ

/// A client of ours that starts a request at every period, whether or not the earlier ones were answered, and writes down
/// which replies it accepted and when.
struct Load {
    let primary: String
    let backup: String
    let period: Duration
    let duration: Duration
    let records: String

    func run() async throws {
        let pump = Pump()
        let client = try BinaryStarClient(configuration: .init(primary: primary, backup: backup), pump: pump)
        let name = String(UInt64.random(in: 1 ... .max), radix: 16)
        let lines = Lines()
        // On the client's own thread, so that the lines are in the order in which it accepted the replies.
        let executor = pump.taskExecutor
        await withDiscardingTaskGroup { group in
            var next = ContinuousClock.now
            let end = next + duration
            while next < end {
                group.addTask(executorPreference: executor) { await Self.ask(client, name: name, lines) }
                next += period
                try? await Task.sleep(until: next, tolerance: .zero, clock: .continuous)
            }
        }
        await client.close()
        try write(lines.all, to: records)
    }

    private static func ask(_ client: BinaryStarClient, name: String, _ lines: Lines) async {
        let sent = MonotonicTime.now.nanoseconds
        let outcome: String
        do {
            let reply = try await client.request("x")
            outcome = #""event":"accepted","seat":"\#(reply.server)","term":\#(reply.term ?? 0)"#
        } catch {
            outcome = #""event":"failed""#
        }
        let now = MonotonicTime.now.nanoseconds
        lines.append(#"{\#(outcome),"client":"\#(name)","sent":\#(sent),"at":\#(now)}"#)
    }
}

private final class Lines: Sendable {
    private let lines = Mutex<[String]>([])

    var all: [String] { lines.withLock { $0 } }

    func append(_ line: String) { lines.withLock { $0.append(line) } }
}

/// Asks one server again and again, whatever its role, so that there are votes at both; and writes down what it answers.
struct Votes {
    let seat: String
    let endpoint: String
    let duration: Duration
    let records: String

    private static let period = 3

    func run() throws {
        let context = try Context()
        let socket = try Socket(.dealer, in: context)
        try socket.set(.reconnectInterval, 5)
        try socket.connect(endpoint)
        var pollSet = PollSet()
        pollSet.append(socket, events: .readable)
        let incarnation = UInt64.random(in: 1 ... .max)
        let end = ContinuousClock.now + duration
        var sentAt: [UInt64: Int64] = [:]
        var lines: [String] = []
        var number: UInt64 = 0
        while ContinuousClock.now < end {
            number += 1
            sentAt[number] = MonotonicTime.now.nanoseconds
            let header = RequestHeader(incarnation: incarnation, number: number).encoded
            var request = Message(frames: [header, [], Array("vote".utf8)])
            _ = try socket.send(&request)
            _ = try pollSet.wait(milliseconds: Self.period)
            while let message = try socket.receive() {
                guard let header = message.first?.withSpan({ ReplyHeader($0) }),
                    let sent = sentAt.removeValue(forKey: header.request.number)
                else { continue }
                let event = header.kind == .reply ? "answered" : "refused"
                lines.append(
                    #"{"event":"\#(event)","seat":"\#(seat)","term":\#(header.term),"sent":\#(sent),"#
                        + #""at":\#(MonotonicTime.now.nanoseconds)}"#)
            }
            Thread.sleep(forTimeInterval: Double(Self.period) / 1_000)
        }
        try write(lines, to: records)
    }
}

private func write(_ lines: [String], to path: String) throws {
    try lines.map { $0 + "\n" }.joined().write(toFile: path, atomically: true, encoding: .utf8)
}
