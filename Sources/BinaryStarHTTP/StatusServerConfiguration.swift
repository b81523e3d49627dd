public import BinaryStar

/// Where a ``StatusServer`` listens, and how much of the machine its clients may take.
public struct StatusServerConfiguration: Sendable, Hashable {
    /// An IP address of this machine, such as `127.0.0.1`, `0.0.0.0` or `::1`. Names are not resolved.
    ///
    /// At a loopback address only requests to `localhost`, `127.0.0.1` or `[::1]` are answered, by their Host field,
    /// with any port: other pages that a browser of this machine shows could otherwise have a name of theirs lead here.
    public var host = Self.loopback
    /// The port; 0 has the system choose one, which ``StatusServer/listen()`` tells.
    public var port: UInt16
    /// Where the peer's status is, such as `http://machine-b:8080`; `nil` if only this server is to be shown.
    public var peer: String?

    /// How many clients may be connected. When one more comes, the one that has been silent for longest is let go, or
    /// one that takes nothing of its answer. From 1.
    public var maximumConnections = 64
    /// How long a request may be, all its header fields included, in bytes. At least 256.
    public var maximumHeadSize = 8_192
    /// How long a client may take to send a request, or to take the answer. Above 0.
    public var requestTimeout = Duration.seconds(5)
    /// How long a connection may stay open without a request. Above 0.
    public var idleTimeout = Duration.seconds(30)

    /// The address that only this machine reaches.
    static let loopback = "127.0.0.1"

    /// At a port of the loopback address.
    public init(port: UInt16, peer: String? = nil) {
        self.port = port
        self.peer = peer
    }

    /// Reads `HOST:PORT`, such as `0.0.0.0:8080`, `*:8080` or `[::1]:8080`, or `PORT` alone, which is one of the
    /// loopback address.
    ///
    /// - Throws: ``BinaryStar/BinaryStarError`` with the code `invalidConfiguration` if it is none of them.
    public init(address: String, peer: String? = nil) throws(BinaryStarError) {
        let colon = address.lastIndex(of: ":")
        guard let port = UInt16(colon.map { address[address.index(after: $0)...] } ?? address[...]) else {
            throw .invalid("http", "\"\(address)\"", "it must be HOST:PORT, or PORT alone, with a port from 0 to 65535")
        }
        self.init(port: port, peer: peer)
        if let colon { host = try Self.host(String(address[..<colon]), in: address) }
    }

    private static func host(_ text: String, in address: String) throws(BinaryStarError) -> String {
        switch text {
        case "*": return "0.0.0.0"
        case "localhost": return loopback
        default: break
        }
        let isBracketed = text.hasPrefix("[") && text.hasSuffix("]")
        let host = isBracketed ? String(text.dropFirst().dropLast()) : text
        guard isBracketed || !text.contains(":"), ListeningAddress(host: host, port: 0) != nil else {
            throw .invalid(
                "http", "\"\(address)\"", "the host must be an IP address, such as 127.0.0.1, *, or [::1]; no name")
        }
        return host
    }

    /// Keeps pages of others out, see ``host``. Without the field, which a browser always sends, comes the check of a
    /// load balancer in HTTP/1.0.
    func admit(_ request: Request) throws(Request.Refused) {
        guard host.hasPrefix("127.") || host == "::1", let name = request.host else { return }
        let known = ["localhost", "127.0.0.1", "[::1]", host]
        guard known.contains(Self.withoutPort(name)) else {
            throw Request.Refused(
                status: .misdirected, reason: "the Host field must be localhost, 127.0.0.1 or [::1] at this address")
        }
    }

    private static func withoutPort(_ authority: String) -> String {
        guard let colon = authority.lastIndex(of: ":"), !authority.hasSuffix("]") else { return authority }
        let port = authority[authority.index(after: colon)...]
        return port.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            ? String(authority[..<colon]) : authority
    }

    /// Checks every rule.
    ///
    /// - Throws: ``BinaryStar/BinaryStarError`` with the code `invalidConfiguration`; the message names the property.
    func validate() throws(BinaryStarError) {
        guard ListeningAddress(host: host, port: port) != nil else {
            throw .invalid("host", "\"\(host)\"", "it must be an IP address")
        }
        guard maximumConnections >= 1 else {
            throw .invalid("maximumConnections", "\(maximumConnections)", "it must be at least 1")
        }
        guard maximumHeadSize >= 256 else {
            throw .invalid("maximumHeadSize", "\(maximumHeadSize)", "it must be at least 256")
        }
        guard requestTimeout > .zero else {
            throw .invalid("requestTimeout", "\(requestTimeout)", "it must be above 0")
        }
        guard idleTimeout > .zero else { throw .invalid("idleTimeout", "\(idleTimeout)", "it must be above 0") }
        if let peer { _ = try PeerURL(peer) }
    }
}
