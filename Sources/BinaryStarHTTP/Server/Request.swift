/// The request line of a request, and what its header fields say of the connection.
///
/// Source: RFC 9112, sections 3, 6 and 9.
struct Request: Sendable, Hashable {
    var method: String
    /// Without the query.
    var path: String
    /// Without the question mark.
    var query = ""
    /// What the Host field says, in small letters; `nil` if there is none.
    var host: String?
    /// Whether the client will send further requests over this connection.
    var keepsAlive = true
    /// Whether something follows the head that nobody here reads, so that the connection must end.
    var hasBody = false

    /// Why a request is answered without being looked at further.
    struct Refused: Error, Hashable {
        var status: Response.Status
        var reason: String
    }

    /// Where the head ends in what has come so far: behind the first empty line, if there is one.
    static func endOfHead(in bytes: [UInt8], from start: Int = 0) -> Int? {
        var index = start
        while let newline = bytes[index...].firstIndex(of: newline) {
            if bytes.dropFirst(newline + 1).first == Self.newline { return newline + 2 }
            if bytes.dropFirst(newline + 1).prefix(2).elementsEqual([Self.carriageReturn, Self.newline]) {
                return newline + 3
            }
            index = newline + 1
        }
        return nil
    }

    private static let newline = UInt8(ascii: "\n")
    private static let carriageReturn = UInt8(ascii: "\r")

    init(method: String, path: String, query: String = "") {
        self.method = method
        self.path = path
        self.query = query
    }

    /// Reads a head with its end.
    init(head: some Collection<UInt8>) throws(Refused) {
        guard let text = String(validating: head, as: UTF8.self) else { throw .malformed("it is not UTF-8") }
        var lines = text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }[...]
        let words = (lines.popFirst() ?? "").split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 3, !words[0].isEmpty, words[0].utf8.allSatisfy(Self.isToken) else {
            throw .malformed("the first line must be a method, a path and a version")
        }
        guard words[2].hasPrefix("HTTP/") else { throw .malformed("\"\(words[2].prefix(20))\" is no version of HTTP") }
        guard words[2] == "HTTP/1.1" || words[2] == "HTTP/1.0" else {
            throw Refused(status: .versionNotSupported, reason: "HTTP/1.1 and HTTP/1.0 are spoken here")
        }
        method = String(words[0])
        (path, query) = try Self.target(words[1])
        keepsAlive = words[2] == "HTTP/1.1"
        var hosts = 0
        for line in lines where !line.isEmpty {
            guard let colon = line.firstIndex(of: ":"), line[..<colon].utf8.allSatisfy(Self.isToken),
                colon != line.startIndex
            else { throw .malformed("a header field must be a name, a colon and a value") }
            let value = line[line.index(after: colon)...].lowercased()
            switch line[..<colon].lowercased() {
            case "host":
                hosts += 1
                host = String(value.drop(while: Self.isBlank).reversed().drop(while: Self.isBlank).reversed())
            case "connection":
                if value.contains("close") {
                    keepsAlive = false
                } else if value.contains("keep-alive") {
                    keepsAlive = true
                }
            case "transfer-encoding": hasBody = true
            case "content-length": if value.contains(where: { $0 != "0" && !Self.isBlank($0) }) { hasBody = true }
            default: break
            }
        }
        guard hosts == 1 || words[2] == "HTTP/1.0" && hosts == 0 else {
            throw .malformed("it must have one Host field")
        }
        if hasBody { keepsAlive = false }
    }

    /// The path, also of a target that names the server or, for OPTIONS, the server as a whole.
    private static func target(_ text: Substring) throws(Refused) -> (path: String, query: String) {
        guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw .malformed("the path has forbidden characters")
        }
        var target = text
        for scheme in ["http://", "https://"] where target.lowercased().hasPrefix(scheme) {
            target = target.dropFirst(scheme.count).drop { $0 != "/" }
            if target.isEmpty { target = "/" }
        }
        guard target.hasPrefix("/") || target == "*" else { throw .malformed("the path must begin with /") }
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        return (String(parts[0]), parts.count > 1 ? String(parts[1]) : "")
    }

    private static func isBlank(_ character: Character) -> Bool { character == " " || character == "\t" }

    private static func isToken(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }
}

extension Request.Refused {
    static func malformed(_ reason: String) -> Self { Self(status: .badRequest, reason: reason) }
}
