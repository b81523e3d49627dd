import BinaryStar
import Dispatch
import FlyingSocks

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Gets JSON from another ``StatusServer``.
struct PeerFetch: Sendable {
    private let url: PeerURL
    private let pool: any AsyncSocketPool
    private let addresses: SingleFlight<Result<[ListeningAddress], any Error>>

    /// - Parameter pool: must run while anything is asked.
    init(of url: PeerURL, pool: any AsyncSocketPool) {
        self.url = url
        self.pool = pool
        addresses = SingleFlight { await Self.lookUp(url) }
    }

    struct Failure: Error, CustomStringConvertible {
        var description: String
        init(_ description: String) { self.description = description }
    }

    /// More than a status and a thousand records take.
    static let maximumSize = 1 << 20
    /// How long it may take to look up the name, to connect and to read the answer.
    static let timeout = Duration.seconds(1)

    func json(_ path: String) async throws -> JSON {
        let bytes = try await withThrowingTaskGroup(of: [UInt8].self) { group in
            group.addTask { try await get(path) }
            group.addTask {
                try await Task.sleep(for: Self.timeout)
                throw Failure("no answer within \(Self.timeout)")
            }
            defer { group.cancelAll() }
            guard let bytes = try await group.next() else { throw CancellationError() }
            return bytes
        }
        return try Self.body(bytes)
    }

    private func get(_ path: String) async throws -> [UInt8] {
        let socket = try await connect(to: try await resolve())
        defer { try? socket.close() }
        let request =
            "GET \(path) HTTP/1.1\r\nHost: \(url.authority)\r\nAccept: application/json\r\nConnection: close\r\n\r\n"
        try await socket.write(bytes: Array(request.utf8))
        var bytes: [UInt8] = []
        while bytes.count <= Self.maximumSize {
            do { bytes += try await socket.read(atMost: 4_096) } catch SocketError.disconnected { return bytes }
        }
        throw Failure("the answer is longer than \(Self.maximumSize) bytes")
    }

    private func connect(to addresses: [ListeningAddress]) async throws -> AsyncSocket {
        var failure: any Error = Failure("the name has no address")
        for address in addresses {
            do {
                switch address {
                case .ip4(let address): return try await connect(to: address)
                case .ip6(let address): return try await connect(to: address)
                }
            } catch SocketError.disconnected {
                failure = Failure("nobody listens there")
            } catch let error as SocketError {
                failure = if case .failed(_, _, let message) = error { Failure(message) } else { error }
            }
        }
        throw failure
    }

    private func connect(to address: some SocketAddress) async throws -> AsyncSocket {
        let socket = try AsyncSocket(socket: try Socket(domain: Int32(address.family)), pool: pool)
        socket.socket.prepare()
        do {
            try await socket.connect(to: address)
            return socket
        } catch {
            try? socket.close()
            throw error
        }
    }

    /// What stands behind the head of an answer.
    static func body(_ bytes: [UInt8]) throws -> JSON {
        guard let end = Request.endOfHead(in: bytes), bytes.starts(with: "HTTP/1.".utf8) else {
            throw Failure("what it answers is no HTTP")
        }
        let status = String(decoding: bytes.dropFirst(9).prefix(3), as: UTF8.self)
        let body = Array(bytes[end...])
        guard status == "200" else {
            // What a server of ours says is one short line.
            let line = String(decoding: body.prefix(200).prefix { $0 >= 0x20 }, as: UTF8.self)
            throw Failure("it answers \(status)\(line.isEmpty ? "" : ": \(line)")")
        }
        do { return try JSON(parsing: body) } catch { throw Failure("what it answers is no JSON") }
    }

    // MARK: Names

    private func resolve() async throws -> [ListeningAddress] {
        if let address = ListeningAddress(host: url.host, port: url.port) { return [address] }
        // One look-up at most, however long the system takes for it.
        let limit = Self.timeout - .milliseconds(100)
        guard let addresses = await addresses.value(within: limit) else {
            throw Failure("\(url.host): no address within \(limit)")
        }
        return try addresses.get()
    }

    /// A queue of its own has a thread of its own. The global ones share theirs with Swift's tasks on Linux, and a name
    /// server that does not answer would hold up all of them.
    private static let resolver = DispatchQueue(label: "bstar.http.names")

    /// Looks the name up on another thread, since the system's resolver blocks.
    private static func lookUp(_ url: PeerURL) async -> Result<[ListeningAddress], any Error> {
        await withCheckedContinuation { continuation in
            resolver.async { continuation.resume(returning: Result { try lookUp(url.host, url.port) }) }
        }
    }

    private static func lookUp(_ host: String, _ port: UInt16) throws -> [ListeningAddress] {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        #if canImport(Glibc)
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        #else
        hints.ai_socktype = SOCK_STREAM
        #endif
        var first: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, "\(port)", &hints, &first)
        guard code == 0 else { throw Failure("\(host): \(String(cString: gai_strerror(code)))") }
        defer { freeaddrinfo(first) }
        return sequence(first: first) { $0?.pointee.ai_next }.prefix { $0 != nil }.compactMap { info in
            guard let info = info?.pointee, let address = UnsafeRawPointer(info.ai_addr) else { return nil }
            switch info.ai_family {
            case AF_INET: return .ip4(address.loadUnaligned(as: sockaddr_in.self))
            case AF_INET6: return .ip6(address.loadUnaligned(as: sockaddr_in6.self))
            default: return nil
            }
        }
    }
}
