import BinaryStarCore

/// When a pump looks for more instead of going to sleep.
///
/// Under load the next messages are microseconds away. To sleep until they come costs the pump and the thread that wakes it
/// more time than that, above all on a virtual machine. So after a burst the pump looks again and again for a moment, and offers
/// the processor to others each time. It ends that when another thread did take the processor: there is no idle one then.
/// After it has looked in vain it sleeps as usual for ten times as long, so that bursts far apart cost at most a tenth of a
/// processor.
struct BusyPoll {
    /// How many messages in one turn are a burst. A few clients that wait for each reply make none.
    static let burst = 8

    /// How long to look, in nanoseconds: about as long as a client takes to send the next requests.
    private static let length: Int64 = 200_000

    /// A look takes a microsecond or two. One that took so many nanoseconds had to wait for another thread.
    private static let longestLook: Int64 = 30_000

    /// With a single processor the next message cannot come while the pump has it.
    private let isPossible: Bool

    private var end = MonotonicTime.distantPast
    private var mayBeginAt = MonotonicTime.distantPast

    /// Whether to look rather than to sleep.
    private(set) var isOn = false

    init(processors: Int) { isPossible = processors > 1 }

    /// A burst has been served.
    mutating func begin(at now: MonotonicTime) {
        guard isPossible, now >= mayBeginAt else { return }
        isOn = true
        end = MonotonicTime(nanoseconds: now.nanoseconds + Self.length)
    }

    /// Takes note of a look, which the yield before it belongs to. Whatever it found is served next.
    mutating func looked(from start: MonotonicTime, to now: MonotonicTime) {
        if now >= end {
            isOn = false
            mayBeginAt = MonotonicTime(nanoseconds: now.nanoseconds + 10 * Self.length)
        } else if now.nanoseconds - start.nanoseconds > Self.longestLook {
            isOn = false
        }
    }
}
