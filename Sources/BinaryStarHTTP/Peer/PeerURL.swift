import BinaryStar

/// Where a peer's status is: `http://HOST:PORT`, with or without `/status`.
struct PeerURL: Sendable, Hashable {
    /// As it was given, without the path.
    var text: String
    /// A name or an address.
    var host: String
    var port: UInt16
    /// What goes into the Host field.
    var authority: String

    init(_ url: String) throws(BinaryStarError) {
        func wrong(_ rule: String) -> BinaryStarError { .invalid("peer", "\"\(url)\"", rule) }
        let scheme = "http://"
        guard url.lowercased().hasPrefix(scheme) else { throw wrong("it must begin with http://") }
        let rest = url.dropFirst(scheme.count)
        let authority = rest.prefix { $0 != "/" }
        guard ["", "/", "/status"].contains(rest.dropFirst(authority.count)) else {
            throw wrong("it must end with the port, or with /status")
        }
        guard authority.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }),
            !authority.contains(where: { "@?#\\".contains($0) })
        else { throw wrong("it must be http://HOST:PORT") }
        var name = authority
        port = 80
        if let colon = authority.lastIndex(of: ":"), !authority.hasSuffix("]") {
            guard let number = UInt16(authority[authority.index(after: colon)...]), number > 0 else {
                throw wrong("the port must be a number from 1 to 65535")
            }
            port = number
            name = authority[..<colon]
        }
        if name.hasPrefix("["), name.hasSuffix("]") { name = name.dropFirst().dropLast() }
        guard !name.isEmpty else { throw wrong("it must be http://HOST:PORT") }
        host = String(name)
        self.authority = String(authority)
        text = scheme + authority
    }
}
