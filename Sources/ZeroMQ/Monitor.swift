import CZeroMQ

/// What happened to one of a socket's connections or listeners.
///
/// Source: `zmq_socket_monitor(3)`.
package struct MonitorEvent: Sendable, Hashable {
    package struct Kind: OptionSet, Sendable, Hashable {
        package let rawValue: Int32
        package init(rawValue: Int32) { self.rawValue = rawValue }

        package static let connected = Kind(rawValue: ZMQ_EVENT_CONNECTED)
        /// The two ends know each other: messages can flow.
        package static let handshakeSucceeded = Kind(rawValue: ZMQ_EVENT_HANDSHAKE_SUCCEEDED)
        package static let disconnected = Kind(rawValue: ZMQ_EVENT_DISCONNECTED)
        /// A listener was closed, or an attempt to connect was given up.
        package static let closed = Kind(rawValue: ZMQ_EVENT_CLOSED)
        package static let closeFailed = Kind(rawValue: ZMQ_EVENT_CLOSE_FAILED)
    }

    package var kind: Kind
    /// A descriptor or an error number, depending on the kind.
    package var value: UInt32
    package var endpoint: String

    /// Reads an event from what a monitor sends, or returns `nil` if it is none.
    package init?(_ message: Message) {
        guard message.count == 2, message[0].count == 6, let endpoint = message[1].text else { return nil }
        // A 16-bit kind and a 32-bit value in the byte order of the machine.
        (kind, value) = unsafe message[0].withUnsafeBytes {
            unsafe (
                Kind(rawValue: Int32($0.loadUnaligned(as: UInt16.self))),
                $0.loadUnaligned(fromByteOffset: 2, as: UInt32.self)
            )
        }
        self.endpoint = endpoint
    }
}

extension Socket {
    /// Starts a monitor, and returns the socket that receives its events.
    ///
    /// libzmq's I/O thread, and with it every socket of the context, waits for a monitor that nobody reads: poll it on a
    /// thread that never blocks, ask for the events that are needed only, and stop the monitor before its socket closes.
    ///
    /// - Parameter name: makes an inproc endpoint that no other monitor of the context has.
    package func startMonitor(_ kinds: MonitorEvent.Kind, name: String) throws(ZeroMQError) -> Socket {
        let endpoint = "inproc://monitor-\(name)"
        guard unsafe zmq_socket_monitor(handle, endpoint, kinds.rawValue) == 0 else { throw .last("monitor", endpoint) }
        let pair = try Socket(.pair, in: context)
        try pair.connect(endpoint)
        return pair
    }

    /// Stops the monitor, if there is one.
    package func stopMonitor() {
        unsafe zmq_socket_monitor(handle, nil, 0)
    }
}
