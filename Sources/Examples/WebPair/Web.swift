import BinaryStar
import FlyingFox
import FlyingSocks
import ServiceLifecycle

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A web service that follows its role: it counts visits while the server is active, and otherwise says that it does
/// not serve.
struct Web: Service {
    private let star: BinaryStar
    private let server: HTTPServer
    private let port: UInt16
    private let visits = Visits()

    init(star: BinaryStar, port: UInt16) async throws {
        self.star = star
        self.port = port
        server = HTTPServer(address: try sockaddr_in.inet(ip4: "127.0.0.1", port: port))
        let seat = star.configuration.seat
        await server.appendRoute("GET /") { [star, visits] _ in
            // The lease and not only the role, which a server that has stalled would still take for its own.
            guard star.lease.isValid, let visit = await visits.next() else {
                return HTTPResponse(statusCode: .serviceUnavailable, body: .init("the \(seat) does not serve\n".utf8))
            }
            let text = "visit \(visit) of the \(seat) in term \(star.lease.term)\n"
            return HTTPResponse(statusCode: .ok, body: .init(text.utf8))
        }
    }

    /// What ends first, ends the rest: the server by an error, or what stops it when the group shuts down.
    func run() async throws {
        // Of whether it ends the rest.
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                try await serve()
                return true
            }
            group.addTask {
                try await stopInTime()
                return true
            }
            group.addTask {
                for await role in star.roles { await visits.begin(as: role) }
                // The group stops the star first, and then this.
                return false
            }
            defer { group.cancelAll() }
            while try await group.next() == false {}
        }
    }

    /// Says where the web is, and stops it when the group shuts down.
    private func stopInTime() async throws {
        try await server.waitUntilListening()
        if case .ip4(let host, let port)? = await server.listeningAddress {
            Line.print("\(star.configuration.seat): web at http://\(host):\(port)/")
        }
        try await gracefulShutdown()
        await server.stop(timeout: 1)
    }

    private func serve() async throws {
        do { try await server.run() } catch {
            // So it ends too when it is stopped.
            if Task.isShuttingDownGracefully || Task.isCancelled { return }
            if case .failed(_, _, let message)? = error as? SocketError {
                throw Failure(description: "the web cannot be served at 127.0.0.1:\(port): \(message)")
            }
            throw error
        }
    }

    struct Failure: Error, CustomStringConvertible {
        var description: String
    }
}

/// What the service keeps: nothing while it is not active, and it begins anew with every activation.
actor Visits {
    private var count: Int?

    func begin(as role: Role) { count = role == .active ? 0 : nil }

    func next() -> Int? {
        count.map { before in
            count = before + 1
            return before + 1
        }
    }
}

enum Line {
    /// Also what goes to a file or a pipe is read at once.
    static func print(_ text: String) {
        Swift.print(text)
        fflush(nil)
    }
}
