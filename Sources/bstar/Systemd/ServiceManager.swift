#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Tells systemd how this process does: datagrams to the Unix socket that `$NOTIFY_SOCKET` names. Any thread may use it, and nothing
/// blocks: what the manager does not take in time is lost.
///
/// Source: sd_notify(3) and sd_watchdog_enabled(3), whose protocol is stable.
final class ServiceManager: Sendable {
    /// How often systemd wants to hear that this process is well, or it is killed; `nil` if it does not care.
    let watchdog: Duration?
    private let descriptor: Int32
    private let address: [UInt8]

    /// By the environment of this process; `nil` if no manager started it, or its socket cannot be used.
    static var current: ServiceManager? {
        ServiceManager(process: getpid()) { name in getenv(name).map { String(cString: $0) } }
    }

    init?(process: Int32, environment: (String) -> String?) {
        guard let path = environment("NOTIFY_SOCKET"), let address = Self.address(path) else { return nil }
        descriptor = socket(AF_UNIX, Self.datagram, 0)
        guard descriptor >= 0 else { return nil }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        self.address = address
        // It may have been meant for the process that started this one.
        let isForThisProcess = environment("WATCHDOG_PID").map { $0 == "\(process)" } ?? true
        let microseconds = isForThisProcess ? environment("WATCHDOG_USEC").flatMap { Int64($0) } : nil
        watchdog = microseconds.flatMap { $0 > 0 ? .microseconds($0) : nil }
    }

    deinit { close(descriptor) }

    /// Sends assignments such as `READY=1`, one a line.
    func notify(_ assignments: [String]) {
        let text = Array(
            assignments.map { $0.split(separator: "\n").joined(separator: " ") }.joined(separator: "\n").utf8)
        #if canImport(Darwin)
        let flags = MSG_DONTWAIT
        #else
        let flags = Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL)
        #endif
        _ = address.withUnsafeBytes { address in
            sendto(
                descriptor, text, text.count, flags, address.baseAddress?.assumingMemoryBound(to: sockaddr.self),
                socklen_t(address.count))
        }
    }

    /// What names the program's manager, and not that of what the program starts.
    static let variables = ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"]

    #if canImport(Glibc)
    private static let datagram = Int32(SOCK_DGRAM.rawValue)
    #else
    private static let datagram = SOCK_DGRAM
    #endif

    /// The bytes of the socket's address: a path, or behind `@` a name in the abstract namespace of Linux.
    private static func address(_ path: String) -> [UInt8]? {
        var bytes = Array(path.utf8)
        guard path.hasPrefix("/") || path.hasPrefix("@"), bytes.count > 1 else { return nil }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        // With room for the zero that ends a path.
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else { return nil }
        // An abstract name begins with a zero, and has none at its end: its length says where that is.
        if bytes[0] == UInt8(ascii: "@") { bytes[0] = 0 } else { bytes.append(0) }
        let offset = MemoryLayout<sockaddr_un>.offset(of: \.sun_path) ?? 2
        return withUnsafeBytes(of: &address) { Array($0.prefix(offset)) } + bytes
    }
}
