import Foundation

/// A client's connection, over which a test sends whatever it likes. What waits gives up after half a minute.
package final class TestSocket: Sendable {
    private let descriptor: Int32

    package struct Failure: Error, CustomStringConvertible {
        package var description: String
        package init(description: String) { self.description = description }
    }

    /// Connects to a port of this machine.
    package init(port: UInt16) throws {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        descriptor = try Self.connect(AF_INET, address)
    }

    /// Connects to `HOST:PORT` of this machine, whatever the host.
    package convenience init(address: String) throws {
        guard let port = UInt16(address.split(separator: ":").last?.prefix(while: \.isNumber) ?? "") else {
            throw Failure(description: "no port in \(address)")
        }
        try self.init(port: port)
    }

    /// Connects to a Unix socket.
    package init(path: String) throws {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw Failure(description: "the path is too long: \(path)")
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        descriptor = try Self.connect(AF_UNIX, address)
    }

    private static func connect<Address>(_ family: Int32, _ address: Address) throws -> Int32 {
        #if canImport(Glibc)
        let descriptor = socket(family, Int32(SOCK_STREAM.rawValue), 0)
        #else
        let descriptor = socket(family, SOCK_STREAM, 0)
        #endif
        var limit = timeval(tv_sec: 30, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        let code = withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Foundation.connect(descriptor, $0, socklen_t(MemoryLayout<Address>.size))
            }
        }
        guard code == 0 else {
            let reason = String(cString: strerror(errno))
            close(descriptor)
            throw Failure(description: "cannot connect: \(reason)")
        }
        return descriptor
    }

    deinit { close(descriptor) }

    package func send(_ text: String) throws {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Foundation.send(descriptor, $0.baseAddress, $0.count, Self.flags) }
            guard count > 0 else { throw Failure(description: "cannot send: \(String(cString: strerror(errno)))") }
            bytes = bytes.dropFirst(count)
        }
    }

    #if canImport(Darwin)
    private static let flags: Int32 = 0
    #else
    private static let flags = Int32(MSG_NOSIGNAL)
    #endif

    /// All that comes until the other side closes the connection.
    ///
    /// - Parameter evenIfReset: also if it does so with something unread, so that what it has sent may be lost.
    package func receiveToEnd(evenIfReset: Bool = false) async throws -> String {
        try await receive(evenIfReset: evenIfReset) { _ in false }
    }

    /// All that comes until it satisfies `isEnough`, or the other side closes the connection.
    package func receive(
        evenIfReset: Bool = false, until isEnough: @escaping @Sendable (String) -> Bool
    ) async throws -> String {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { [self] in continuation.resume(with: Result { try receive(evenIfReset, isEnough) })
            }
        }
    }

    private func receive(_ evenIfReset: Bool, _ isEnough: (String) -> Bool) throws -> String {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while !isEnough(String(decoding: bytes, as: UTF8.self)) {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            if count == 0 { break }
            guard count > 0 else {
                if evenIfReset, errno == ECONNRESET { break }
                throw Failure(description: "nothing came: \(String(cString: strerror(errno)))")
            }
            bytes += buffer[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Asks for a path, and returns the answer.
    package func get(_ path: String, method: String = "GET") async throws -> TestAnswer {
        try send("\(method) \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        return try TestAnswer(try await receiveToEnd())
    }
}

/// An answer of HTTP in its parts.
package struct TestAnswer: Sendable {
    package var status: Int
    /// By their names in small letters.
    package var fields: [String: String] = [:]
    package var body: String

    package init(_ text: String) throws {
        guard let end = text.range(of: "\r\n\r\n"), let status = Int(text.dropFirst(9).prefix(3)) else {
            throw TestSocket.Failure(description: "no answer of HTTP: \(text.prefix(200))")
        }
        self.status = status
        body = String(text[end.upperBound...])
        for line in text[..<end.lowerBound].components(separatedBy: "\r\n").dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { continue }
            fields[parts[0].lowercased()] = parts[1].trimmingCharacters(in: .whitespaces)
        }
    }
}
