import BinaryStarCore
import Testing

@Suite struct MonotonicTimeTests {
    @Test func arithmetic() {
        let time = MonotonicTime(nanoseconds: 5_000_000_000)
        #expect(time + .milliseconds(1_500) == MonotonicTime(nanoseconds: 6_500_000_000))
        #expect(time + .milliseconds(-1_500) == MonotonicTime(nanoseconds: 3_500_000_000))
        #expect(time + .seconds(1) - time == .seconds(1))
        #expect(time - (time + .nanoseconds(1)) == .nanoseconds(-1))
        #expect(time < time + .nanoseconds(1))
        #expect(!(time < time))
    }

    @Test func theEndsOfTimeDoNotTrap() {
        let last = MonotonicTime(nanoseconds: .max)
        #expect(last + .nanoseconds(1) == last)
        #expect(last + .seconds(Int64.max) == last)
        #expect(MonotonicTime.distantPast + .seconds(-1) == .distantPast)
        #expect(last - .distantPast == .nanoseconds(Int64.max) - .nanoseconds(Int64.min))
        #expect(MonotonicTime.distantPast - last < .seconds(-584 * 365 * 86_400))
    }

    @Test(
        "The duration in nanoseconds",
        arguments: [
            (.zero, 0), (.nanoseconds(1), 1), (.nanoseconds(-1), -1), (.seconds(1), 1_000_000_000),
            (.milliseconds(-1_500), -1_500_000_000), (.nanoseconds(Int64.max), .max), (.nanoseconds(Int64.min), .min),
            (Duration(secondsComponent: 0, attosecondsComponent: 999_999_999), 0),
            (Duration(secondsComponent: 0, attosecondsComponent: 1_000_000_000), 1),
        ] as [(Duration, Int64)])
    func wholeNanoseconds(duration: Duration, expected: Int64) {
        #expect(duration.wholeNanoseconds == expected)
    }

    @Test(
        "cut off at the ends of Int64",
        arguments: [
            (.seconds(9_223_372_036), 9_223_372_036_000_000_000), (.seconds(9_223_372_037), .max),
            (.seconds(-9_223_372_037), .min), (.seconds(Int64.max), .max), (.seconds(Int64.min), .min),
            (.nanoseconds(Int64.max) + .nanoseconds(1), .max), (.nanoseconds(Int64.min) - .nanoseconds(1), .min),
        ] as [(Duration, Int64)])
    func overflow(duration: Duration, expected: Int64) {
        #expect(duration.wholeNanoseconds == expected)
    }

    @Test func timings() {
        #expect(HeartbeatTiming.standard == HeartbeatTiming(interval: .milliseconds(250), timeout: .seconds(1)))
        #expect(HeartbeatTiming.classic == HeartbeatTiming(interval: .seconds(1), timeout: .seconds(2)))
        #expect(HeartbeatTiming.maximum == .seconds(24 * 60 * 60))
    }
}
