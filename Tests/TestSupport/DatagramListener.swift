import Foundation

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A Unix datagram socket that notes what it gets: a service manager as far as a service sees it.
package final class DatagramListener: Sendable {
    /// What arrives, each with its sender's text as it is.
    package let datagrams: AsyncStream<String>
    private let descriptor: Int32

    /// - Parameter name: a path, or behind `@` a name in the abstract namespace of Linux.
    package init?(_ name: String) {
        #if canImport(Glibc)
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        #else
        descriptor = socket(AF_UNIX, SOCK_DGRAM, 0)
        #endif
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let isAbstract = name.hasPrefix("@")
        withUnsafeMutableBytes(of: &address.sun_path) { path in
            path.copyBytes(from: name.utf8)
            if isAbstract { path[0] = 0 }
        }
        let offset = MemoryLayout<sockaddr_un>.offset(of: \.sun_path) ?? 2
        let length = socklen_t(offset + name.utf8.count + (isAbstract ? 0 : 1))
        let (datagrams, continuation) = AsyncStream.makeStream(of: String.self)
        self.datagrams = datagrams
        let descriptor = descriptor
        let isBound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) == 0 }
        }
        guard isBound else { return nil }
        Thread {
            var bytes = [UInt8](repeating: 0, count: 4_096)
            while case let count = recv(descriptor, &bytes, bytes.count, 0), count > 0 {
                continuation.yield(String(decoding: bytes[..<count], as: UTF8.self))
            }
            continuation.finish()
            close(descriptor)
        }.start()
    }

    // Wakes the thread, which then closes it.
    deinit { shutdown(descriptor, Int32(SHUT_RDWR)) }
}
