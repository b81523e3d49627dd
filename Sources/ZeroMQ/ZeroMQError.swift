import CZeroMQ

/// A call of libzmq that failed.
public struct ZeroMQError: Error, Sendable, Hashable {
    /// What was tried, in libzmq's words: `bind`, `connect`, `send` and so on.
    public let operation: String
    /// The endpoint, socket option or socket type that the call was about, where it had one.
    public let subject: String?
    /// The error number, as `zmq_errno` gives it.
    public let code: Int32

    package init(_ operation: String, _ subject: String? = nil, code: Int32) {
        self.operation = operation
        self.subject = subject
        self.code = code
    }

    /// The error of the call that has just failed on this thread.
    package static func last(_ operation: String, _ subject: String? = nil) -> ZeroMQError {
        ZeroMQError(operation, subject, code: zmq_errno())
    }

    /// libzmq's text for the error number.
    public var reason: String { unsafe String(cString: zmq_strerror(code)) }

    /// Whether the endpoint belongs to another socket already.
    public var isAddressInUse: Bool { code == EADDRINUSE }
}

extension ZeroMQError: CustomStringConvertible {
    public var description: String {
        if let subject { "\(operation) \(subject): \(reason)" } else { "\(operation): \(reason)" }
    }
}
