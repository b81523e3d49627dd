import BinaryStarCore

/// When a pump looks for more instead of going to sleep.
///
/// Under load the next messages are microseconds away. To sleep until they come costs the pump and the thread that wakes it
/// more time than that, above all on a virtual machine. So after a burst the pump looks again and again for a moment, and yields the
/// processor in between. It stops that as soon as another thread has made use of it: that one may be who brings the next
/// messages. Time spent in vain is followed by ten times as much in which it sleeps as usual: bursts far apart cost a tenth of
/// a processor at most.
struct BusyPoll {
    /// How many messages in one turn are a burst. A few clients that wait for each reply make none.
    static let burst = 8

    /// How long to look after a burst, in nanoseconds: about as long as a client takes to send the next requests.
    private static let length: Int64 = 200_000

    /// A look and a yield take a microsecond or two. If they take so many nanoseconds another thread had the processor.
    private static let longestLook: Int64 = 30_000

    private let isAllowed: Bool
    private var end = MonotonicTime.distantPast
    private var mayBeginAt = MonotonicTime.distantPast

    /// Whether to look rather than to sleep.
    private(set) var isOn = false

    /// - Parameter isAllowed: whether to do this at all. With a single processor no message comes while the pump has it.
    init(isAllowed: Bool) { self.isAllowed = isAllowed }

    /// A burst has been served.
    mutating func begin(at now: MonotonicTime) {
        guard isAllowed, now >= mayBeginAt else { return }
        isOn = true
        end = MonotonicTime(nanoseconds: now.nanoseconds + Self.length)
    }

    /// Nothing was found.
    ///
    /// - Parameters:
    ///   - begin: since when the pump looks.
    ///   - start: when this look began.
    ///   - now: when the yield behind it ended.
    mutating func lookedInVain(since begin: MonotonicTime, from start: MonotonicTime, to now: MonotonicTime) {
        let isYielded = now.nanoseconds - start.nanoseconds > Self.longestLook
        guard now >= end || isYielded else { return }
        isOn = false
        let spent = (isYielded ? start : now).nanoseconds - begin.nanoseconds
        mayBeginAt = MonotonicTime(nanoseconds: now.nanoseconds + 10 * spent)
    }
}
