import CZeroMQ

/// Many descriptors, watched by the kernel's own list of them: to wait takes the time of those that are ready, where `poll` goes
/// over all of them each time. Linux only.
///
/// Source: `epoll(7)`, level-triggered.
struct EpollSet: ~Copyable {
    private let list: Int32
    private var numbers = [UInt32](repeating: 0, count: EpollSet.mostAtOnce)
    private var events = [Int16](repeating: 0, count: EpollSet.mostAtOnce)

    /// As `czmq_epoll_wait` has it.
    private static let mostAtOnce = 64

    /// Returns `nil` if the system has none.
    init?() {
        list = czmq_epoll_open()
        guard list >= 0 else { return nil }
    }

    deinit { close(list) }

    /// Watches a descriptor of which the events come with `number`. Returns whether it could.
    func add(_ descriptor: pollfd, number: Int) -> Bool {
        czmq_epoll_add(list, descriptor.fd, descriptor.events, UInt32(number)) == 0
    }

    /// Has the events of a descriptor come with another number.
    func renumber(_ descriptor: pollfd, _ number: Int) -> Bool {
        czmq_epoll_change(list, descriptor.fd, descriptor.events, UInt32(number)) == 0
    }

    func remove(_ descriptor: pollfd) -> Bool { czmq_epoll_remove(list, descriptor.fd) == 0 }

    /// Waits until some are ready, and calls `body` with the number and the events of each.
    ///
    /// - Returns: how many, or -1 and the system's error number.
    mutating func wait(milliseconds: Int, _ body: (Int, Int16) -> Void) -> Int {
        let count = unsafe czmq_epoll_wait(list, &numbers, &events, Int32(clamping: milliseconds))
        for place in 0..<max(0, Int(count)) { body(Int(numbers[place]), events[place]) }
        return Int(count)
    }
}
