import CZeroMQ

/// A libzmq context: the I/O threads and the inproc endpoints that sockets share.
///
/// Sockets keep their context alive. The last reference terminates it, which waits until libzmq has closed every socket;
/// with no linger, as set by default on every socket here, that takes no time to speak of.
@safe package final class Context: @unchecked Sendable {
    // Sendable, because libzmq says that a context is thread safe, and the pointer never changes.
    let handle: UnsafeMutableRawPointer

    /// - Parameter ioThreads: the number of threads that do network I/O.
    package init(ioThreads: Int32 = 1) throws(ZeroMQError) {
        guard let handle = unsafe zmq_ctx_new() else { throw .last("create context") }
        unsafe self.handle = unsafe handle
        unsafe zmq_ctx_set(handle, ZMQ_IO_THREADS, ioThreads)
        // The default of 1,023 is less than many pairs in one process need.
        unsafe zmq_ctx_set(handle, ZMQ_MAX_SOCKETS, unsafe zmq_ctx_get(handle, ZMQ_SOCKET_LIMIT))
    }

    deinit {
        while unsafe zmq_ctx_term(handle) != 0 && zmq_errno() == EINTR {}
    }
}
