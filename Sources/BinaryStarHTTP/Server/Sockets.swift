import FlyingSocks

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif
#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Where to listen, as the system has it.
enum ListeningAddress: Sendable {
    case ip4(sockaddr_in)
    case ip6(sockaddr_in6)

    init?(host: String, port: UInt16) {
        if let address = try? sockaddr_in.inet(ip4: host, port: port) {
            self = .ip4(address)
        } else if let address = try? sockaddr_in6.inet6(ip6: host, port: port) {
            self = .ip6(address)
        } else {
            return nil
        }
    }

    /// - Throws: `SocketError`.
    func makeListener() throws -> Socket {
        switch self {
        case .ip4(let address): try Self.listen(at: address)
        case .ip6(let address): try Self.listen(at: address)
        }
    }

    private static func listen(at address: some SocketAddress) throws -> Socket {
        let socket = try Socket(domain: Int32(address.family))
        do {
            try socket.setValue(true, for: .localAddressReuse)
            socket.prepare()
            try socket.bind(to: address)
        } catch {
            try? socket.close()
            throw error
        }
        // Which closes the socket itself if it fails.
        try socket.listen()
        return socket
    }
}

extension Socket {
    /// Keeps the socket from programs that this one starts, which would hold its port; and from signals, where a socket
    /// has a say in that.
    func prepare() {
        _ = fcntl(file.rawValue, F_SETFD, FD_CLOEXEC)
        #if canImport(Darwin)
        try? setValue(true, for: .noSIGPIPE)
        #endif
    }

    /// Tells the other side that nothing more comes.
    func endWriting() {
        #if canImport(Glibc) || canImport(Musl)
        _ = shutdown(file.rawValue, Int32(SHUT_WR))
        #else
        _ = shutdown(file.rawValue, SHUT_WR)
        #endif
    }

    /// `HOST:PORT`, as it stands in a URL.
    var localName: String? {
        switch try? sockname() {
        case .ip4(let host, let port): "\(host):\(port)"
        case .ip6(let host, let port): "[\(host)]:\(port)"
        case .unix, nil: nil
        }
    }
}

extension AsyncSocket {
    func write(bytes: [UInt8]) async throws { try await write(Data(bytes)) }
}
