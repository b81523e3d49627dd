import CZeroMQ

/// A ZeroMQ socket. It cannot be copied, belongs to whoever holds it, and closes at the end of its life.
///
/// A socket is used from one thread at a time. It is not `Sendable`: kept in state that an actor isolates, it cannot
/// leave that actor's thread.
@safe package struct Socket: ~Copyable {
    package let type: SocketType
    let context: Context
    let handle: UnsafeMutableRawPointer

    /// Creates a socket that drops unsent messages when it closes.
    package init(_ type: SocketType, in context: Context) throws(ZeroMQError) {
        guard let handle = unsafe zmq_socket(context.handle, type.rawValue) else {
            throw .last("create socket", type.name)
        }
        var linger: Int32 = 0
        unsafe zmq_setsockopt(handle, ZMQ_LINGER, &linger, MemoryLayout<Int32>.size)
        self.type = type
        self.context = context
        unsafe self.handle = unsafe handle
    }

    deinit {
        unsafe zmq_close(handle)
    }

    // MARK: Endpoints

    package func bind(_ endpoint: String) throws(ZeroMQError) {
        guard unsafe zmq_bind(handle, endpoint) == 0 else { throw .last("bind", endpoint) }
    }

    package func connect(_ endpoint: String) throws(ZeroMQError) {
        guard unsafe zmq_connect(handle, endpoint) == 0 else { throw .last("connect", endpoint) }
    }

    /// Asks libzmq to stop listening on `endpoint`. Its I/O thread does so a moment later.
    package func unbind(_ endpoint: String) throws(ZeroMQError) {
        guard unsafe zmq_unbind(handle, endpoint) == 0 else { throw .last("unbind", endpoint) }
    }

    /// The endpoint that was bound or connected last, wildcards resolved.
    package var lastEndpoint: String {
        get throws(ZeroMQError) {
            // Enough for the longest path of a Unix socket and for every numeric address.
            var buffer = [CChar](repeating: 0, count: 1_024)
            var size = buffer.count
            guard unsafe zmq_getsockopt(handle, ZMQ_LAST_ENDPOINT, &buffer, &size) == 0 else {
                throw .last("get option", "ZMQ_LAST_ENDPOINT")
            }
            return String(decoding: buffer[..<max(0, size - 1)].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
    }

    // MARK: Options

    /// A descriptor that becomes readable when something happens to the socket. It says neither what, nor that something is
    /// left of it: only a receive that brings nothing, or a send that finds no room, makes the next signal certain.
    package var descriptor: Int32 {
        get throws(ZeroMQError) {
            var descriptor: Int32 = -1
            var size = MemoryLayout<Int32>.size
            guard unsafe zmq_getsockopt(handle, ZMQ_FD, &descriptor, &size) == 0 else {
                throw .last("get option", "ZMQ_FD")
            }
            return descriptor
        }
    }

    package func set(_ option: SocketOption<Int32>, _ value: Int32) throws(ZeroMQError) {
        var value = value
        guard unsafe zmq_setsockopt(handle, option.name, &value, MemoryLayout<Int32>.size) == 0 else {
            throw .last("set option", option.label)
        }
    }

    package func set(_ option: SocketOption<Int64>, _ value: Int64) throws(ZeroMQError) {
        var value = value
        guard unsafe zmq_setsockopt(handle, option.name, &value, MemoryLayout<Int64>.size) == 0 else {
            throw .last("set option", option.label)
        }
    }

    package func set(_ option: SocketOption<String>, _ value: String) throws(ZeroMQError) {
        guard unsafe zmq_setsockopt(handle, option.name, value, value.utf8.count) == 0 else {
            throw .last("set option", option.label)
        }
    }
}
