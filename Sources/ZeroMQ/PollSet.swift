import CZeroMQ

/// What `zmq_poll`, or `poll`, watches: sockets and plain descriptors, each with the events that are wanted of it.
///
/// The set does not keep the sockets alive: whoever owns a socket takes it out of the set before it closes.
@safe package struct PollSet: ~Copyable {
    package struct Events: OptionSet, Sendable, Hashable {
        package let rawValue: Int16
        @inlinable package init(rawValue: Int16) { self.rawValue = rawValue }

        /// A message can be received.
        package static let readable = Events(rawValue: Int16(ZMQ_POLLIN))
        /// A message can be sent.
        package static let writable = Events(rawValue: Int16(ZMQ_POLLOUT))

        // Asked several times a turn for each socket: the standard library's own are called through the table of the
        // conformance.

        @inlinable package static func == (left: Events, right: Events) -> Bool { left.rawValue == right.rawValue }
        @inlinable package var isEmpty: Bool { rawValue == 0 }
        @inlinable package func contains(_ other: Events) -> Bool { rawValue & other.rawValue == other.rawValue }
        @inlinable package func union(_ other: Events) -> Events { Events(rawValue: rawValue | other.rawValue) }
    }

    private var items: [zmq_pollitem_t]
    /// The same entries for the system's own poll, which does in one call for descriptors what `zmq_poll` does in two: that one
    /// looks first, and waits if there was nothing.
    private var descriptors: [pollfd] = []
    private var socketCount = 0
    /// The descriptors once more, if there are many.
    private var epoll: EpollSet?
    /// Whether the system can watch them so, for all that is known.
    private var mayUseEpoll = true
    /// The entries that the last wait found ready; `nil` if any may say so.
    private var found: [Int]?

    /// From so many on, to go over all of them costs more than to keep the kernel's list.
    private static let many = 64

    package init() { unsafe items = [] }

    package var count: Int { unsafe items.count }

    /// Adds `socket` at the end.
    package mutating func append(_ socket: borrowing Socket, events: Events) {
        unsafe items.append(zmq_pollitem_t(socket: socket.handle, fd: 0, events: events.rawValue, revents: 0))
        descriptors.append(pollfd(fd: -1, events: 0, revents: 0))
        socketCount += 1
    }

    /// Adds a descriptor of the system at the end.
    package mutating func append(descriptor: Int32, events: Events) {
        unsafe items.append(zmq_pollitem_t(socket: nil, fd: descriptor, events: events.rawValue, revents: 0))
        let entry = pollfd(fd: descriptor, events: events.systemEvents, revents: 0)
        descriptors.append(entry)
        let number = count - 1
        if epoll?.add(entry, number: number) == false { giveUpEpoll() }
    }

    /// Takes the entry at `index` out; the last one takes its place.
    package mutating func swapRemove(at index: Int) {
        if unsafe items[index].socket != nil {
            socketCount -= 1
        } else {
            let entry = descriptors[index]
            if epoll?.remove(entry) == false { giveUpEpoll() }
        }
        found = nil
        unsafe items.swapAt(index, items.count - 1)
        unsafe items.removeLast()
        descriptors.swapAt(index, descriptors.count - 1)
        descriptors.removeLast()
        if index < count, descriptors[index].fd >= 0, epoll?.renumber(descriptors[index], index) == false {
            giveUpEpoll()
        }
    }

    /// The events that the last wait found at `index`.
    package func ready(at index: Int) -> Events {
        unsafe Events(rawValue: items[index].revents)
    }

    /// Calls `body` with the index and the events of each entry that the last wait found ready.
    package func forEachReady(_ body: (Int, Events) -> Void) {
        if let found {
            for index in found { body(index, ready(at: index)) }
            return
        }
        // Nothing is made in a turn of a pump with a few sockets: no array of the numbers either.
        for index in 0..<count {
            let events = ready(at: index)
            if !events.isEmpty { body(index, events) }
        }
    }

    /// Waits until something is ready.
    ///
    /// - Parameter milliseconds: the longest wait; 0 only looks, -1 waits for ever.
    /// - Returns: how many entries are ready. A signal ends the wait early, with 0.
    package mutating func wait(milliseconds: Int) throws(ZeroMQError) -> Int {
        if socketCount == 0, !descriptors.isEmpty {
            if usesEpoll() { return try waitForMany(milliseconds) }
            return try waitForDescriptors(milliseconds)
        }
        found = nil
        let count = unsafe zmq_poll(&items, Int32(items.count), milliseconds)
        if count >= 0 { return Int(count) }
        guard zmq_errno() == EINTR else { throw .last("poll") }
        for index in unsafe items.indices { unsafe items[index].revents = 0 }
        return 0
    }

    // MARK: Many descriptors

    /// Whether the kernel's list is used; makes it if there are many.
    private mutating func usesEpoll() -> Bool {
        if epoll != nil { return true }
        guard mayUseEpoll, descriptors.count >= Self.many else { return false }
        epoll = EpollSet()
        for (index, descriptor) in descriptors.enumerated() {
            guard epoll?.add(descriptor, number: index) == true else {
                giveUpEpoll()
                return false
            }
        }
        return true
    }

    private mutating func giveUpEpoll() {
        epoll = nil
        mayUseEpoll = false
        found = nil
    }

    private mutating func waitForMany(_ milliseconds: Int) throws(ZeroMQError) -> Int {
        var ready = found.take() ?? Array(0..<count)
        for index in ready { unsafe items[index].revents = 0 }
        ready.removeAll(keepingCapacity: true)
        let readyCount =
            epoll?.wait(milliseconds: milliseconds) { index, events in
                unsafe items[index].revents = Events(systemEvents: events).rawValue
                ready.append(index)
            } ?? 0
        guard readyCount >= 0 || zmq_errno() == EINTR else { throw .last("epoll_wait") }
        found = ready
        return max(0, readyCount)
    }

    // MARK: A few descriptors

    private mutating func waitForDescriptors(_ milliseconds: Int) throws(ZeroMQError) -> Int {
        let count = unsafe poll(&descriptors, nfds_t(descriptors.count), Int32(clamping: milliseconds))
        // libzmq's is the system's own.
        guard count >= 0 || zmq_errno() == EINTR else { throw .last("poll") }
        for index in descriptors.indices {
            let found = Events(systemEvents: count > 0 ? descriptors[index].revents : 0)
            unsafe items[index].revents = found.rawValue
        }
        return max(0, Int(count))
    }
}

extension PollSet.Events {
    /// The same for `poll(2)`.
    fileprivate var systemEvents: Int16 {
        (contains(.readable) ? Int16(POLLIN) : 0) | (contains(.writable) ? Int16(POLLOUT) : 0)
    }

    /// A descriptor in a state of error counts as readable and writable: whoever reads or writes learns of it.
    fileprivate init(systemEvents: Int16) {
        let errors = Int16(POLLERR | POLLHUP | POLLNVAL)
        var rawValue: Int16 = 0
        if systemEvents & (Int16(POLLIN) | errors) != 0 { rawValue |= Int16(ZMQ_POLLIN) }
        if systemEvents & (Int16(POLLOUT) | errors) != 0 { rawValue |= Int16(ZMQ_POLLOUT) }
        self.init(rawValue: rawValue)
    }
}
