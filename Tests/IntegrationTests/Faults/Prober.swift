import BinaryStarCore
import Foundation
import Synchronization
import ZeroMQ

/// What one server answered to one request.
struct Answer: Sendable {
    var server: Seat
    var kind: ReplyHeader.Kind
    var term: UInt64
    /// When the request was sent, and when its answer came: the machine's monotonic clock.
    var sent: ContinuousClock.Instant
    var received: ContinuousClock.Instant
}

/// Asks one server again and again, whatever its role, and writes down what it answers. On a thread of its own.
final class Prober: Sendable {
    private let answers = Mutex<[Answer]>([])
    private let isStopped = Atomic(false)
    private let hasEnded = AsyncStream.makeStream(of: Never.self)

    init(_ server: Seat, at endpoint: String, every milliseconds: Int = 3) {
        Thread.detachNewThread { [self] in
            try? probe(server, at: endpoint, every: milliseconds)
            hasEnded.continuation.finish()
        }
    }

    /// Ends the thread, and returns all answers in the order in which they came.
    func stop() async -> [Answer] {
        isStopped.store(true, ordering: .relaxed)
        for await _ in hasEnded.stream {}
        return answers.withLock { $0 }
    }

    private func probe(_ server: Seat, at endpoint: String, every milliseconds: Int) throws {
        let context = try Context()
        let socket = try Socket(.dealer, in: context)
        try socket.set(.reconnectInterval, 5)
        try socket.connect(endpoint)
        var pollSet = PollSet()
        pollSet.append(socket, events: .readable)
        let incarnation = UInt64.random(in: 1 ... .max)
        var sentAt: [UInt64: ContinuousClock.Instant] = [:]
        var number: UInt64 = 0
        while !isStopped.load(ordering: .relaxed) {
            number += 1
            sentAt[number] = .now
            let header = RequestHeader(incarnation: incarnation, number: number).encoded
            var request = Message(frames: [header, [], Array("probe".utf8)])
            _ = try socket.send(&request)
            _ = try pollSet.wait(milliseconds: milliseconds)
            while let message = try socket.receive() {
                guard let header = message.first?.withSpan({ ReplyHeader($0) }),
                    let sent = sentAt.removeValue(forKey: header.request.number)
                else { continue }
                let answer = Answer(server: server, kind: header.kind, term: header.term, sent: sent, received: .now)
                answers.withLock { $0.append(answer) }
            }
            Thread.sleep(forTimeInterval: Double(milliseconds) / 1_000)
        }
    }
}

/// Looks at what both servers answered, and knows nothing of how they decide.
enum Checker {
    struct Violation: Error, CustomStringConvertible {
        var description: String
    }

    /// "No server admits a request after the other has become active": what was sent to a server after the other one had
    /// answered in a higher term gets no reply.
    static func oneActive(_ answers: [Answer]) throws {
        let replies = answers.filter { $0.kind == .reply }
        var firstReply: [UInt64: Answer] = [:]
        for reply in replies.sorted(by: { $0.received < $1.received }) where firstReply[reply.term] == nil {
            firstReply[reply.term] = reply
        }
        for reply in replies {
            for (term, first) in firstReply where term > reply.term && reply.sent > first.received {
                throw Violation(
                    description: "\(reply.server) served in term \(reply.term) what was sent "
                        + "\(reply.sent - first.received) after \(first.server) had served in term \(term)")
            }
        }
    }

    /// No two servers serve in the same term.
    static func termsAreUnique(_ answers: [Answer]) throws {
        for (term, replies) in Dictionary(grouping: answers.filter { $0.kind == .reply }, by: \.term) {
            guard Set(replies.map(\.server)).count == 1 else {
                throw Violation(description: "both servers served in term \(term)")
            }
        }
    }
}
