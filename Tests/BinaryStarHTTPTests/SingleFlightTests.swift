import BinaryStar
import Testing

@testable import BinaryStarHTTP

@Suite(.timeLimit(.minutes(2))) struct SingleFlightTests {
    @Test("While a star's thread hangs one question waits for it, and all that ask go on in time")
    func hanging() async {
        let asked = Tally(), gate = Gate()
        let flight = SingleFlight {
            asked.add()
            await gate.wait()
            return asked.count
        }
        for _ in 0..<3 {
            await withTaskGroup(of: Int?.self) { group in
                for _ in 0..<20 { group.addTask { await flight.value(within: .milliseconds(20)) } }
                for await value in group { #expect(value == nil) }
            }
        }
        #expect(asked.count == 1)
        // Who waits when the answer comes gets it, and the next one asks anew.
        async let late = flight.value(within: patience)
        gate.open()
        #expect(await late != nil)
        let before = asked.count
        #expect(await flight.value(within: patience) == before + 1)
    }

    @Test("Who is cancelled does not wait") func cancelled() async {
        let gate = Gate()
        let flight = SingleFlight { await gate.wait() }
        let waiting = Task { await flight.value(within: .seconds(100)) == nil }
        waiting.cancel()
        #expect(await waiting.value)
        gate.open()
    }
}
