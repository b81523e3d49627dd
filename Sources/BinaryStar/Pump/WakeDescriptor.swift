import CZeroMQ

/// A descriptor in the poll set that any thread can make readable: an eventfd on Linux, a pipe elsewhere.
struct WakeDescriptor: ~Copyable, Sendable {
    private let reading: Int32
    private let writing: Int32

    init() {
        var descriptors: [Int32] = [-1, -1]
        let status = czmq_wake_open(&descriptors)
        precondition(
            status == 0,
            "no descriptor left to wake the pump with (error \(zmq_errno())); raise the limit of open files")
        reading = descriptors[0]
        writing = descriptors[1]
    }

    deinit {
        czmq_wake_close([reading, writing])
    }

    /// What to poll.
    var descriptor: Int32 { reading }

    /// Makes the descriptor readable. Any thread may call this.
    func signal() { czmq_wake_signal(writing) }

    /// Makes the descriptor unreadable again.
    func drain() { czmq_wake_drain(reading) }
}
