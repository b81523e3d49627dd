import BinaryStar
import BinaryStarCore
import Testing

@testable import bstar

@Suite struct LedgerTests {
    private func numbers(_ events: [RequestEvent]) -> [Int] {
        events.compactMap {
            switch $0 {
            case .reply(let reply): reply.number
            case .failure(let failure): -failure.number
            case .interruption, .second: nil
            }
        }
    }

    private func ledger(_ outcomes: Ledger.Outcomes = .all, isOrdered: Bool = false, sent: Int = 5) -> Ledger {
        let ledger = Ledger(statistics(), outcomes: outcomes, isOrdered: isOrdered)
        for number in 1...sent { ledger.sends(dueAt: at(number)) }
        return ledger
    }

    @Test func orderedOutcomesWaitForTheirTurn() {
        let ledger = ledger(isOrdered: true)
        #expect(ledger.replied(reply(2, at: 10)) == 0)
        #expect(ledger.failed(failure(3, at: 11)) == 0)
        #expect(numbers(ledger.takeEvents()) == [])
        #expect(ledger.replied(reply(1, at: 12)) == 3)
        #expect(numbers(ledger.takeEvents()) == [1, 2, -3])
        #expect(ledger.replied(reply(4, at: 13)) == 1)
        #expect(numbers(ledger.takeEvents()) == [4])
        #expect(ledger.takeEvents().isEmpty)
    }

    @Test func whatWaitsBehindARequestThatWasGivenUpComesLast() {
        let ledger = ledger(isOrdered: true)
        _ = ledger.replied(reply(4, at: 10))
        _ = ledger.replied(reply(2, at: 11))
        ledger.gaveUp()
        #expect(numbers(ledger.takeLastEvents()) == [2, 4])
    }

    @Test func otherwiseTheyComeAsTheyCome() {
        let ledger = ledger()
        #expect(ledger.replied(reply(2, at: 10)) == 1)
        #expect(ledger.replied(reply(1, at: 12)) == 1)
        #expect(numbers(ledger.takeEvents()) == [2, 1])
    }

    @Test func aFailoverComesBeforeTheReplyThatShowsIt() {
        let ledger = ledger()
        _ = ledger.replied(reply(1, at: 10))
        _ = ledger.replied(reply(2, from: .backup, at: 12))
        let kinds = ledger.takeEvents().map {
            switch $0 {
            case .reply: "reply"
            case .interruption: "interruption"
            default: "other"
            }
        }
        #expect(kinds == ["reply", "interruption", "reply"])
    }

    @Test func withALineASecondOnlyTheFirstFailureOfAKindIsTold() {
        let ledger = ledger(.firstFailures)
        _ = ledger.replied(reply(1, at: 10))
        for number in 2...3 { _ = ledger.failed(failure(number, at: 20)) }
        _ = ledger.failed(failure(4, "closed", at: 21))
        #expect(numbers(ledger.takeEvents()) == [-2, -4])
    }
}

@Suite(.timeLimit(.minutes(1))) struct SlotsTests {
    @Test func whoFindsNoneWaitsForOne() async throws {
        let slots = Slots(2)
        try await slots.take()
        try await slots.take()
        #expect(slots.areAllTaken)
        let third = Task { try await slots.take() }
        slots.give(1)
        try await third.value
        #expect(slots.areAllTaken)
    }

    @Test func cancellationEndsTheWait() async throws {
        let slots = Slots(1)
        try await slots.take()
        let second = Task { try await slots.take() }
        second.cancel()
        await #expect(throws: CancellationError.self) { try await second.value }
        slots.give(1)
        #expect(!slots.areAllTaken)
    }
}

@Suite struct LineSplitterTests {
    private func lines(_ blocks: [String]) -> [String] {
        var splitter = LineSplitter()
        var lines: [String] = []
        for block in blocks {
            splitter.add(Array(block.utf8))
            while let line = splitter.next() { lines.append(String(decoding: line, as: UTF8.self)) }
        }
        if let rest = splitter.rest() { lines.append(String(decoding: rest, as: UTF8.self)) }
        return lines
    }

    @Test(arguments: [
        ([""], []), (["a"], ["a"]), (["a\n"], ["a"]), (["a\n\nb"], ["a", "", "b"]), (["\n"], [""]),
        (["a", "b", "\nc", "\n"], ["ab", "c"]), (["a\nb\nc", "d\ne"], ["a", "b", "cd", "e"]),
    ])
    func cutsAtLineEndsWhereverTheBlocksEnd(_ blocks: [String], _ expected: [String]) {
        #expect(lines(blocks) == expected)
    }
}
