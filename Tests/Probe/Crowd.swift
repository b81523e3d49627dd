import BinaryStarCore
import Foundation

/// Very many connections to one server, each a client of its own with one request at a time.
///
/// They speak ZMTP on plain TCP sockets: a ZeroMQ socket takes two descriptors for each, and a thread's time.
struct Crowd {
    let port: UInt16
    let count: Int
    /// The server's process.
    let server: String

    private static let rounds = 5
    /// A connection has some buffers of libzmq's; more is a leak or a queue.
    private static let mostBytes = 64 << 10

    func run() throws {
        let before = try bytesOfServer()
        let start = ContinuousClock.now
        let connections = try (0..<count).map { number in try Connection(port: port, number: number) }
        let connected = ContinuousClock.now - start
        var rounds: [Duration] = []
        for round in 1...Self.rounds {
            let start = ContinuousClock.now
            for connection in connections { try connection.ask(round) }
            for connection in connections { try connection.takeReply(to: round) }
            rounds.append(.now - start)
        }
        let each = (try bytesOfServer() - before) / count
        let median = rounds.sorted()[Self.rounds / 2]
        print(
            "\(count) connections in \(connected); \(Self.rounds) rounds with a request of each, all answered, median "
                + "\(median), which is \(Int(Double(count) / (median / .seconds(1)))) a second; "
                + "\(each) bytes of the server's memory for each")
        try require(each < Self.mostBytes, "\(each) bytes of the server's memory for each connection")
    }

    private func bytesOfServer() throws -> Int {
        let text = try String(contentsOfFile: "/proc/\(server)/statm", encoding: .utf8)
        return (Int(text.split(separator: " ").dropFirst().first ?? "") ?? 0) * 4_096
    }
}

/// A DEALER's side of a connection, with blocking calls.
private final class Connection {
    private let descriptor: Int32
    private let incarnation: UInt64

    init(port: UInt16, number: Int) throws {
        incarnation = UInt64(number + 1)
        #if canImport(Glibc)
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        #else
        descriptor = socket(AF_INET, SOCK_STREAM, 0)
        #endif
        try require(descriptor >= 0, "connection \(number): no descriptor; raise ulimit -n")
        var patience = timeval(tv_sec: 30, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        try connect(to: address, number)
        // ZMTP 3.0: signature, version, mechanism, no server, filler. Then READY.
        let mechanism = Array("NULL".utf8) + [UInt8](repeating: 0, count: 16)
        try write(
            [0xFF] + [UInt8](repeating: 0, count: 8) + [0x7F, 3, 0] + mechanism + [UInt8](repeating: 0, count: 32))
        _ = try read(64)
        let ready = [5] + Array("READY".utf8) + [11] + Array("Socket-Type".utf8) + [0, 0, 0, 6] + Array("DEALER".utf8)
        try write([4, UInt8(ready.count)] + ready)
        _ = try readFrame()
    }

    deinit { close(descriptor) }

    /// Waits for a server that is about to start.
    private func connect(to address: sockaddr_in, _ number: Int) throws {
        let deadline = ContinuousClock.now + .seconds(20)
        while true {
            let status = withUnsafePointer(to: address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    Foundation.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            if status == 0 { return }
            try require(
                errno == ECONNREFUSED && ContinuousClock.now < deadline, "connection \(number): error \(errno)")
            Thread.sleep(forTimeInterval: 0.01)
        }
    }

    private func text(_ round: Int) -> [UInt8] { Array("\(incarnation)/\(round)".utf8) }

    func ask(_ round: Int) throws {
        let header = RequestHeader(incarnation: incarnation, number: UInt64(round)).encoded
        let body = text(round)
        try write([1, UInt8(header.count)] + header + [1, 0] + [0, UInt8(body.count)] + body)
    }

    func takeReply(to round: Int) throws {
        while true {
            var frames: [[UInt8]] = []
            var hasMore = true
            while hasMore {
                let (flags, bytes) = try readFrame()
                frames.append(bytes)
                hasMore = flags & 1 != 0
            }
            // What a server says unasked is no reply.
            let first = frames[0]
            guard let header = ReplyHeader(first.span), header.kind == .reply else { continue }
            try require(
                header.request.number == UInt64(round) && frames.last == text(round), "\(frames) for \(text(round))")
            return
        }
    }

    private func readFrame() throws -> (UInt8, [UInt8]) {
        let head = try read(2)
        return (head[0], try read(Int(head[1])))
    }

    private func write(_ bytes: [UInt8]) throws {
        let count = bytes.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, 0) }
        try require(count == bytes.count, "sent \(count) of \(bytes.count) bytes: error \(errno)")
    }

    private func read(_ count: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            let got = bytes.withUnsafeMutableBytes {
                recv(descriptor, $0.baseAddress.map { $0 + done }, count - done, 0)
            }
            try require(got > 0, "received \(got) of \(count - done) bytes: error \(errno)")
            done += got
        }
        return bytes
    }
}
