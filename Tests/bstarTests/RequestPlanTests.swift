import ArgumentParser
import BinaryStar
import BinaryStarCore
import Testing

@testable import bstar

@Suite struct RequestPlanTests {
    private func plan(_ arguments: String...) throws -> RequestPlan {
        try RequestPlan(RequestCommand.parse(arguments))
    }

    @Test func thePaceFollowsFromTheOptions() throws {
        #expect(try plan().pace == .every(.seconds(1)))
        #expect(try plan("--every", "20ms").pace == .every(.milliseconds(20)))
        #expect(try plan("--rate", "2.5").pace == .rate(2.5))
        #expect(try plan("--rate", "2.5", "--in-flight", "7").pace == .rate(2.5))
        #expect(try plan("--in-flight", "7").pace == .unpaced)
        #expect(try plan("-").pace == .unpaced)
        #expect(try plan("-", "--every", "1s").pace == .every(.seconds(1)))
    }

    @Test func howManyMayBeInFlightFollowsToo() throws {
        #expect(try plan().inFlight == 1)
        #expect(try plan("-").inFlight == 1)
        #expect(try plan("--in-flight", "7").inFlight == 7)
        #expect(try plan("--rate", "5").inFlight == RequestPlan.openLoopLimit)
        #expect(try plan("--rate", "5", "--in-flight", "7").inFlight == 7)
    }

    @Test(
        arguments: [
            ([], .each), (["--every", "100ms"], .each), (["--rate", "10"], .each), (["--rate", "10.1"], .seconds),
            (["--every", "99ms"], .seconds), (["--in-flight", "2"], .seconds),
            (["--in-flight", "2", "--count", "20"], .each),
            (["--in-flight", "2", "--count", "21"], .seconds), (["--rate", "500", "--each"], .each),
            (["--json", "--rate", "500"], .json), (["--json", "--quiet"], .nothing), (["--quiet"], .nothing),
            (["-"], .bodies), (["-", "--json"], .json), (["-", "--quiet"], .nothing), (["--every", "0s"], .seconds),
        ] as [([String], RequestPlan.Output)])
    func whatIsShownFollowsFromThePace(_ arguments: [String], _ output: RequestPlan.Output) throws {
        #expect(try RequestPlan(RequestCommand.parse(arguments)).output == output)
    }

    @Test func linesAreAnsweredInOrderAndNothingElse() throws {
        #expect(try plan("-").isOrdered)
        #expect(try !plan("--in-flight", "5").isOrdered)
    }

    @Test func thePayloadIsWhatWasAskedFor() async throws {
        #expect(try await plan().payload.message(3)?.text == "3")
        #expect(try await plan("hello").payload.message(3)?.text == "hello")
        #expect(try await plan("--payload", "4KiB").payload.message(3)?.byteCount == 4_096)
        #expect(try await plan("--payload", "0").payload.message(3)?.byteCount == 0)
    }

    @Test(arguments: [
        (["--rate", "5", "--every", "1s"], "--rate and --every"), (["--every", "1s", "--in-flight", "3"], "--rate"),
        (["--rate", "0"], "from 1 a day"), (["--rate", "nan"], "from 1 a day"), (["--rate", "1e-9"], "from 1 a day"),
        (["--rate", "1000001"], "to 1000000 a second"),
        (["--in-flight", "0"], "from 1 to 100000"), (["--plain", "--in-flight", "2"], "--plain"),
        (["--payload", "3", "hello"], "\"hello\""), (["--payload", "3", "-"], "--payload and -"),
        (["--payload", "65MiB"], "at most 64MiB"), (["--payload", "1KB"], "--payload"),
        (["--count", "0"], "at least 1"),
        (["--json", "--each"], "--each"), (["--quiet", "--each"], "contradict"), (["--timeout", "0s"], "--timeout"),
        (["--gap", "0s"], "--gap"),
    ])
    func whatDoesNotGoTogetherIsAnErrorThatSaysSo(_ arguments: [String], _ message: String) {
        do {
            _ = try RequestCommand.parse(arguments)
            Issue.record("accepted")
        } catch {
            #expect(RequestCommand.fullMessage(for: error).contains(message))
            #expect(RequestCommand.exitCode(for: error) == .validationFailure)
        }
    }
}

@Suite struct ByteSizeTests {
    @Test(arguments: [("0", 0), ("100", 100), ("100B", 100), ("4KiB", 4_096), ("1MiB", 1 << 20), ("2GiB", 2 << 30)])
    func readsNumbersWithUnits(_ text: String, _ bytes: Int) {
        #expect(ByteSize(argument: text)?.bytes == bytes)
    }

    @Test(arguments: ["", "KiB", "-1", "+1", "1.5KiB", "1 KiB", "1KB", "1k", "99999999999999999999", "9999999999GiB"])
    func takesNothingElse(_ text: String) { #expect(ByteSize(argument: text) == nil) }
}

@Suite struct ScheduleTests {
    @Test func instantsAreFixedFromTheStart() {
        var schedule = Schedule(rate: 3, start: at(0))
        let instants = (0..<7).map { _ in schedule.next().nanoseconds }
        #expect(instants == [0, 333_333_333, 666_666_666, 1_000_000_000, 1_333_333_333, 1_666_666_666, 2_000_000_000])
    }

    @Test func whatComesLateBeginsItAnew() {
        var schedule = Schedule(rate: 10, start: at(0))
        #expect(schedule.next(notBefore: at(0)) == at(0))
        #expect(schedule.next(notBefore: at(5)) == at(100))
        #expect(schedule.next(notBefore: at(750)) == at(750))
        #expect(schedule.next(notBefore: at(760)) == at(850))
    }

    @Test func tellsHowManyAreDueWithTheOneThatWaits() {
        var schedule = Schedule(rate: 10, start: at(0))
        _ = schedule.next()
        #expect(schedule.count(dueAt: at(50)) == 1)
        #expect(schedule.count(dueAt: at(1_000)) == 11)
        _ = schedule.next()
        #expect(schedule.count(dueAt: at(1_000)) == 10)
        #expect(schedule.count(dueAt: at(0)) == 0)
    }
}

@Suite(.timeLimit(.minutes(1))) struct PacerTests {
    @Test func whatFindsNoRoomCountsFromWhenItWasDue() async throws {
        let slots = Slots(1)
        let start = MonotonicTime.now
        var pacer = Pacer(pace: .rate(1_000), slots: slots, start: start)
        #expect(try await pacer.waitForTurn(available: nil) == start)
        let second = Task { [pacer] in
            var pacer = pacer
            return (try await pacer.waitForTurn(available: nil), MonotonicTime.now)
        }
        // Room comes long after the instant at which it was due.
        while MonotonicTime.now - start < .milliseconds(20) { await Task.yield() }
        slots.give(1)
        let (due, sent) = try await second.value
        #expect(due == start + .milliseconds(1))
        #expect(sent - start >= .milliseconds(20))
    }

    @Test func withAPeriodNoBurstMakesUpForADelay() async throws {
        let slots = Slots(2)
        var pacer = Pacer(pace: .every(.milliseconds(1)), slots: slots, start: .now)
        _ = try await pacer.waitForTurn(available: nil)
        let later = MonotonicTime.now
        while MonotonicTime.now - later < .milliseconds(10) { await Task.yield() }
        #expect(try await pacer.waitForTurn(available: nil) - later >= .milliseconds(10))
    }
}
