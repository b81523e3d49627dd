import BinaryStarCore
import Testing
import ZeroMQ

@testable import BinaryStar

struct AnswerMemoryTests {
    private func request(_ number: UInt64, client: UInt64 = 7, term: UInt64 = 1, from address: String = "a") -> Request
    {
        let header = RequestHeader(incarnation: client, number: number)
        let message = Message(frames: [Array(address.utf8), header.encoded, [], Array("ask".utf8)])
        var request = Request(message, identityFrames: 1, at: .now)
        request.term = term
        return request
    }

    private func id(_ number: UInt64, client: UInt64 = 7) -> RequestID { RequestID(client: client, number: number) }

    private func address(_ request: Request?) -> String? { request?.message[0].text }

    /// The text of the answer, `running`, or `nil` if the request is new.
    private func text(_ finding: AnswerMemory.Finding) -> String? {
        switch finding {
        case .new: nil
        case .running: "running"
        case .answered(let answer): answer.body?.text ?? "none"
        }
    }

    @Test func eachGetsItsOwnAnswerUntilItIsForgotten() {
        var memory = AnswerMemory(count: 3, bytes: .max)
        for number in 1...100 as ClosedRange<UInt64> {
            #expect(text(memory.begin(request(number), keepsRunning: true)) == nil)
            memory.answered(id(number), in: 1, .reply, Message("\(number)"))
            for known in (number > 2 ? number - 2 : 1)...number {
                #expect(text(memory.begin(request(known), keepsRunning: true)) == "\(known)")
            }
        }
        #expect(text(memory.begin(request(97), keepsRunning: true)) == nil)
    }

    @Test func bytesAreBounded() {
        let body = Message([UInt8](repeating: 1, count: 1_000))
        var memory = AnswerMemory(count: 100, bytes: 3_000)
        for number in 1...3 as ClosedRange<UInt64> {
            _ = memory.begin(request(number), keepsRunning: true)
            memory.answered(id(number), in: 1, .reply, body)
        }
        #expect(text(memory.begin(request(1), keepsRunning: false)) == nil)
        #expect(text(memory.begin(request(3), keepsRunning: false)) != nil)
        // One that is too large for all of it is not kept, and does not count as running.
        _ = memory.begin(request(4), keepsRunning: true)
        memory.answered(id(4), in: 1, .reply, Message([UInt8](repeating: 1, count: 3_000)))
        #expect(text(memory.begin(request(4), keepsRunning: true)) == nil)
    }

    @Test("An answer comes back frame by frame, as it was given, whatever else is remembered and forgotten")
    func frames() {
        var memory = AnswerMemory(count: 4, bytes: .max)
        let bodies = [[], [[]], [[1], [], [2, 3]], [[UInt8](repeating: 7, count: 5_000), [8]]]
            .map(Message.init(frames:))
        for round in 0..<20 as Range<UInt64> {
            for (index, body) in bodies.enumerated() {
                memory.answered(id(4 * round + UInt64(index)), in: 3, .failure, body)
            }
            for (index, body) in bodies.enumerated() {
                guard case .answered(let answer) = memory.begin(request(4 * round + UInt64(index)), keepsRunning: false)
                else {
                    Issue.record("forgotten")
                    continue
                }
                #expect(answer.kind == .failure && answer.term == 3)
                #expect(answer.body == body)
            }
        }
    }

    @Test func theAnswerTakesTheNewestWayBack() {
        var memory = AnswerMemory(count: 10, bytes: .max)
        _ = memory.begin(request(1), keepsRunning: true)
        #expect(memory.newest(request(1)) == nil)
        #expect(text(memory.begin(request(1, from: "b"), keepsRunning: true)) == "running")
        #expect(text(memory.begin(request(1, from: "c"), keepsRunning: true)) == "running")
        #expect(address(memory.newest(request(1))) == "c")
        memory.answered(id(1), in: 1, .failure, nil)
        #expect(text(memory.begin(request(1), keepsRunning: true)) == "none")
        // The next one has nothing of it.
        _ = memory.begin(request(2), keepsRunning: true)
        #expect(memory.newest(request(2)) == nil)
        memory.forget(id(2), in: 1)
        #expect(text(memory.begin(request(2), keepsRunning: true)) == nil)
    }

    @Test("A handler that began before a break ends after it, and touches nothing of the copy that runs now")
    func handlersOfAnEarlierTerm() {
        var memory = AnswerMemory(count: 10, bytes: .max)
        _ = memory.begin(request(1, term: 5), keepsRunning: true)
        memory.removeAll()
        #expect(memory.newest(request(1, term: 5)) == nil)
        memory.forget(id(1), in: 5)
        _ = memory.begin(request(1, term: 7), keepsRunning: true)
        _ = memory.begin(request(1, term: 7, from: "b"), keepsRunning: true)
        #expect(memory.newest(request(1, term: 5)) == nil)
        memory.forget(id(1), in: 5)
        memory.answered(id(1), in: 5, .reply, "old")
        #expect(text(memory.begin(request(1, term: 7), keepsRunning: true)) == "running")
        memory.answered(id(1), in: 7, .reply, "new")
        #expect(text(memory.begin(request(1, term: 7), keepsRunning: true)) == "new")
    }

    @Test func nothingIsRememberedWithoutRoom() {
        var memory = AnswerMemory(count: 0, bytes: .max)
        _ = memory.begin(request(1), keepsRunning: true)
        memory.answered(id(1), in: 1, .reply, "x")
        #expect(text(memory.begin(request(1), keepsRunning: true)) == nil)
    }

    @Test("Any course of events gives what two plain dictionaries would", arguments: 1...20 as ClosedRange<UInt64>)
    func likeAModel(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let limit = Int(random.next() % 8) + 1
        var memory = AnswerMemory(count: limit, bytes: .max)
        // The newest copy, if there is a second one.
        var running: [UInt64: String?] = [:]
        var answers: [(number: UInt64, text: String)] = []
        for step in 0..<2_000 {
            let number = random.next() % 24 + 1
            switch random.next() % 8 {
            case 0..<4:
                let from = "\(step)"
                let expected = answers.last { $0.number == number }?.text ?? (running[number] == nil ? nil : "running")
                #expect(text(memory.begin(request(number, from: from), keepsRunning: true)) == expected)
                if expected == nil { running[number] = .some(nil) }
                if expected == "running" { running[number] = from }
            case 4..<7 where running[number] != nil:
                #expect(address(memory.newest(request(number))) == running[number] ?? nil)
                memory.answered(id(number), in: 1, .reply, Message("answer \(step)"))
                running[number] = nil
                answers.append((number, "answer \(step)"))
                if answers.count > limit { answers.removeFirst() }
            case 7 where random.next() % 4 > 0:
                memory.forget(id(number), in: 1)
                running[number] = nil
            case 7 where random.next() % 32 == 0:
                memory.removeAll()
                running = [:]
                answers = []
            default: break
            }
        }
    }
}
