import CZeroMQ

/// What `zmq_poll` watches: sockets and plain descriptors, each with the events that are wanted of it.
///
/// The set does not keep the sockets alive: whoever owns a socket takes it out of the set before it closes.
@safe package struct PollSet: ~Copyable {
    package struct Events: OptionSet, Sendable, Hashable {
        package let rawValue: Int16
        package init(rawValue: Int16) { self.rawValue = rawValue }

        /// A message can be received.
        package static let readable = Events(rawValue: Int16(ZMQ_POLLIN))
        /// A message can be sent.
        package static let writable = Events(rawValue: Int16(ZMQ_POLLOUT))
    }

    private var items: [zmq_pollitem_t]

    package init() { unsafe items = [] }

    package var count: Int { unsafe items.count }

    /// Adds `socket` at the end.
    package mutating func append(_ socket: borrowing Socket, events: Events) {
        unsafe items.append(zmq_pollitem_t(socket: socket.handle, fd: 0, events: events.rawValue, revents: 0))
    }

    /// Adds a descriptor of the system at the end.
    package mutating func append(descriptor: Int32, events: Events) {
        unsafe items.append(zmq_pollitem_t(socket: nil, fd: descriptor, events: events.rawValue, revents: 0))
    }

    /// Takes the entry at `index` out; the last one takes its place.
    package mutating func swapRemove(at index: Int) {
        unsafe items.swapAt(index, items.count - 1)
        unsafe items.removeLast()
    }

    package mutating func setEvents(_ events: Events, at index: Int) {
        unsafe items[index].events = events.rawValue
    }

    /// The events that the last wait found at `index`.
    package func ready(at index: Int) -> Events {
        unsafe Events(rawValue: items[index].revents)
    }

    /// Waits until something is ready.
    ///
    /// - Parameter milliseconds: the longest wait; 0 only looks, -1 waits for ever.
    /// - Returns: how many entries are ready. A signal ends the wait early, with 0.
    package mutating func wait(milliseconds: Int) throws(ZeroMQError) -> Int {
        let count = unsafe zmq_poll(&items, Int32(items.count), milliseconds)
        if count >= 0 { return Int(count) }
        guard zmq_errno() == EINTR else { throw .last("poll") }
        for index in unsafe items.indices { unsafe items[index].revents = 0 }
        return 0
    }
}
