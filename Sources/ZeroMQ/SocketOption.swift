import CZeroMQ

/// A socket option and its type.
package struct SocketOption<Value>: Sendable {
    let name: Int32
    let label: String
}

extension SocketOption<Int32> {
    /// How many outgoing messages wait for one peer, at most. Messages; 0 is no limit.
    package static var sendHighWaterMark: Self { Self(name: ZMQ_SNDHWM, label: "ZMQ_SNDHWM") }
    /// How many incoming messages of one peer wait, at most. Messages; 0 is no limit.
    package static var receiveHighWaterMark: Self { Self(name: ZMQ_RCVHWM, label: "ZMQ_RCVHWM") }
    /// The first wait before connecting again. Milliseconds; 0 and -1 never reconnect.
    package static var reconnectInterval: Self { Self(name: ZMQ_RECONNECT_IVL, label: "ZMQ_RECONNECT_IVL") }
    /// How long one attempt to connect may take. Milliseconds; 0 leaves it to the system.
    package static var connectTimeout: Self { Self(name: ZMQ_CONNECT_TIMEOUT, label: "ZMQ_CONNECT_TIMEOUT") }
    /// Whether messages are taken for complete connections only, and dropped with a connection that breaks. 0 or 1.
    package static var immediate: Self { Self(name: ZMQ_IMMEDIATE, label: "ZMQ_IMMEDIATE") }
    /// How long a closed socket goes on to send what was given to it. Milliseconds; 0 not at all, -1 for ever.
    package static var linger: Self { Self(name: ZMQ_LINGER, label: "ZMQ_LINGER") }
    /// Whether ROUTER reports a message that it cannot deliver, instead of dropping it. 0 or 1.
    package static var routerMandatory: Self { Self(name: ZMQ_ROUTER_MANDATORY, label: "ZMQ_ROUTER_MANDATORY") }
    /// Whether XPUB reports each subscription, also to what another subscriber has subscribed to already. 0 or 1.
    package static var publisherVerbose: Self { Self(name: ZMQ_XPUB_VERBOSE, label: "ZMQ_XPUB_VERBOSE") }
    /// A listening descriptor that the next bind uses, instead of making one. The socket closes it.
    package static var descriptor: Self { Self(name: ZMQ_USE_FD, label: "ZMQ_USE_FD") }
    /// The length of the queue of connections that wait to be accepted.
    package static var backlog: Self { Self(name: ZMQ_BACKLOG, label: "ZMQ_BACKLOG") }
}

extension SocketOption<Int64> {
    /// The longest frame that a peer may send, in bytes; a longer one costs it the connection. -1 is no limit.
    package static var maximumFrameSize: Self { Self(name: ZMQ_MAXMSGSIZE, label: "ZMQ_MAXMSGSIZE") }
}

extension SocketOption<String> {
    /// A prefix of the messages that a SUB socket wants; the empty prefix is all of them.
    package static var subscribe: Self { Self(name: ZMQ_SUBSCRIBE, label: "ZMQ_SUBSCRIBE") }
}
