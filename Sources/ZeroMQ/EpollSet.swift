import CZeroMQ

/// Many descriptors, watched by the kernel's own list of them: to wait takes the time of those that are ready, where `poll` goes
/// over all of them each time. Linux only.
///
/// Source: `epoll(7)`, level-triggered.
@safe struct EpollSet: ~Copyable {
    private let list: Int32
    /// Room for each of them: none of those that are ready waits for a later turn.
    private var ready: [czmq_epoll_entry]
    private var count = 0

    /// Returns `nil` if the system has none.
    init?() {
        list = czmq_epoll_open()
        unsafe ready = []
        guard list >= 0 else { return nil }
    }

    deinit { close(list) }

    /// Watches a descriptor of which the events come with `number`. Returns whether it could.
    mutating func add(_ descriptor: pollfd, number: Int) -> Bool {
        guard czmq_epoll_add(list, descriptor.fd, descriptor.events, UInt32(number)) == 0 else { return false }
        count += 1
        if unsafe count > ready.count {
            unsafe ready += repeatElement(czmq_epoll_entry(), count: max(64, ready.count))
        }
        return true
    }

    /// Has the events of a descriptor come with another number.
    func renumber(_ descriptor: pollfd, _ number: Int) -> Bool {
        czmq_epoll_change(list, descriptor.fd, descriptor.events, UInt32(number)) == 0
    }

    mutating func remove(_ descriptor: pollfd) -> Bool {
        guard czmq_epoll_remove(list, descriptor.fd) == 0 else { return false }
        count -= 1
        return true
    }

    /// Waits until some are ready, and calls `body` with the number and the events of each.
    ///
    /// - Returns: how many, or -1 and the system's error number.
    mutating func wait(milliseconds: Int, _ body: (Int, Int16) -> Void) -> Int {
        let found = unsafe czmq_epoll_wait(list, &ready, Int32(ready.count), Int32(clamping: milliseconds))
        for place in 0..<max(0, Int(found)) {
            unsafe body(Int(czmq_epoll_number(ready[place])), czmq_epoll_events(ready[place]))
        }
        return Int(found)
    }
}
