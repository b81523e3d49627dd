/// A ZeroMQ endpoint that was checked before libzmq sees it, so that the error says which field is wrong and why.
struct Endpoint: Sendable, Hashable {
    enum Use: Sendable {
        case bind, connect
    }

    let text: String
    private let host: Substring?
    private let port: Substring?

    /// Checks `text`, which is the value of `field`.
    init(_ text: String, field: String, use: Use) throws(BinaryStarError) {
        self.text = text
        guard let separator = text.firstRange(of: "://") else {
            throw .invalid(field, "\"\(text)\"", "an endpoint is tcp://HOST:PORT or ipc://PATH")
        }
        let address = text[separator.upperBound...]
        switch text[..<separator.lowerBound] {
        case "tcp":
            guard let colon = address.lastIndex(of: ":") else {
                throw .invalid(field, "\"\(text)\"", "a tcp endpoint is tcp://HOST:PORT; the port is missing")
            }
            host = address[..<colon]
            port = address[address.index(after: colon)...]
            try checkTCP(field: field, use: use)
        case "ipc":
            host = nil
            port = nil
            guard !address.isEmpty else {
                throw .invalid(field, "\"\(text)\"", "an ipc endpoint is ipc://PATH; the path is missing")
            }
            guard address.utf8.count <= Self.longestPath else {
                throw .invalid(
                    field, "\"\(text)\"", "the path of a Unix socket has at most \(Self.longestPath) bytes")
            }
        case let transport:
            throw .invalid(field, "\"\(text)\"", "the transport must be tcp or ipc, not \(transport)")
        }
    }

    private static let longestPath = 103

    /// Checks the endpoint of a control socket, which has to be a file: it is the file's mode that says who may use it.
    init(control text: String) throws(BinaryStarError) {
        try self.init(text, field: "control", use: .bind)
        guard let path = ipcPath, path.first != "@", path != "*" else {
            throw .invalid("control", "\"\(text)\"", "a control socket is ipc://PATH, where PATH is that of a file")
        }
    }

    private func checkTCP(field: String, use: Use) throws(BinaryStarError) {
        guard let host, !host.isEmpty else {
            throw .invalid(field, "\"\(text)\"", "a tcp endpoint is tcp://HOST:PORT; the host is missing")
        }
        if use == .connect, host == "*" {
            throw .invalid(field, "\"\(text)\"", "only a bound endpoint may have the host *; name the other machine")
        }
        if use == .bind, port == "*" || port == "0" { return }
        guard let port, port.first?.isNumber == true, let number = UInt16(port), number > 0 else {
            let wildcard = use == .bind ? ", or * for one that the system chooses" : ""
            throw .invalid(field, "\"\(text)\"", "the port must be from 1 to 65535\(wildcard)")
        }
    }

    /// The host, without the brackets of an IPv6 address, and the port.
    var tcpAddress: (host: String, port: String)? {
        guard let host, let port else { return nil }
        // A connected endpoint may name its own address first: tcp://SOURCE;HOST:PORT.
        let remote = host.split(separator: ";").last ?? host
        return (String(remote.drop { $0 == "[" }.prefix { $0 != "]" }), String(port))
    }

    var ipcPath: String? {
        guard host == nil, let separator = text.firstRange(of: "://") else { return nil }
        return String(text[separator.upperBound...])
    }

    /// Whether a socket that connects to `other` reaches the one that is bound to this endpoint, as far as the text tells.
    func isReached(by other: Endpoint) -> Bool {
        if text == other.text { return true }
        guard let host, let port, let otherHost = other.host, port == other.port else { return false }
        return Self.everywhere.contains(host) && Self.thisMachine.contains(otherHost)
    }

    private static let everywhere: Set<Substring> = ["*", "0.0.0.0", "[::]", "localhost", "127.0.0.1", "[::1]"]
    private static let thisMachine: Set<Substring> = ["localhost", "127.0.0.1", "0.0.0.0", "[::1]"]
}
