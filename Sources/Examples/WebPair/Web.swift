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

/// A web service that follows its role: it counts visits while the server is active, and otherwise says that it does not serve.
struct Web: Service {
    private let star: BinaryStar
    private let server: HTTPServer
    private let visits = Visits()

    init(star: BinaryStar, port: UInt16) async throws {
        self.star = star
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

    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            group.addTask { for await role in star.roles { await visits.begin(as: role) } }
            try await server.waitUntilListening()
            if case .ip4(let host, let port)? = await server.listeningAddress {
                Line.print("\(star.configuration.seat): web at http://\(host):\(port)/")
            }
            try? await gracefulShutdown()
            await server.stop(timeout: 1)
            group.cancelAll()
        }
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
