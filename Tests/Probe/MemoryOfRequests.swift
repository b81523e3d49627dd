import BinaryStar
import Foundation
import Synchronization
import ZeroMQ

/// What a request in flight takes: by how much more the heap grows while tasks wait for replies than while as many tasks wait for
/// nothing but a continuation.
struct MemoryOfRequests {
    let folder: URL
    let count: Int

    private static let body = "0123456789abcdef"
    #if DEBUG
    /// Where nothing is optimised, a request does not fit into the first kilobyte of a task's own memory.
    private static let mostBytes = 2_048 + body.utf8.count
    #else
    /// A KiB and the body.
    private static let mostBytes = 1_024 + body.utf8.count
    #endif

    func run() async throws {
        let endpoint = folder.ipc("silent")
        let server = SilentServer()
        Thread { try? server.run(at: endpoint) }.start()
        var configuration = BinaryStarClientConfiguration(primary: endpoint, backup: folder.ipc("nobody"))
        configuration.maximumInFlight = count
        configuration.attemptTimeout = .seconds(60)
        let client = try BinaryStarClient(configuration: configuration)
        // Connected, and with all that is made once.
        _ = try? await client.request(Message(Self.body), timeout: .seconds(1))
        let parked = Parked(count)
        let bare = try await growth {
            await withUnsafeContinuation { parked.add($0) }
        } end: {
            parked.resumeAll()
        }
        let before = server.received
        let request = try await growth { _ = try? await client.request(Message(Self.body), timeout: .seconds(60)) }
        try require(server.received - before == count, "\(server.received - before) requests have arrived")
        await client.close()
        let difference = request - bare
        try require(difference > Self.body.utf8.count, "\(difference) bytes for a request cannot be")
        print(
            "\(request) bytes for each of \(count) requests in flight with their tasks, \(bare) for a task that only waits: "
                + "\(difference) for a request")
        try require(difference <= Self.mostBytes, "\(difference) bytes for a request, of at most \(Self.mostBytes)")
    }

    /// The bytes of the heap for each of the tasks, while all of them wait.
    private func growth(
        _ wait: @escaping @Sendable () async -> Void, end: () -> Void = {}
    ) async throws -> Int {
        let before = Figures.heapBytes
        let tasks = (0..<count).map { _ in Task { await wait() } }
        try await Task.sleep(for: .seconds(1))
        let during = Figures.heapBytes
        for task in tasks { task.cancel() }
        end()
        for task in tasks { await task.value }
        return (during - before) / count
    }
}

/// Continuations that wait.
private final class Parked: Sendable {
    private let continuations = Mutex<[UnsafeContinuation<Void, Never>]>([])

    init(_ count: Int) { continuations.withLock { $0.reserveCapacity(count) } }

    func add(_ continuation: UnsafeContinuation<Void, Never>) {
        continuations.withLock { $0.append(continuation) }
    }

    func resumeAll() {
        continuations.withLock { continuations in
            for continuation in continuations { continuation.resume() }
            continuations = []
        }
    }
}

/// Takes requests, and answers none.
private final class SilentServer: Sendable {
    private let count = Atomic(0)

    var received: Int { count.load(ordering: .relaxed) }

    func run(at endpoint: String) throws {
        let socket = try Socket(.router, in: Context())
        try socket.bind(endpoint)
        var pollSet = PollSet()
        pollSet.append(socket, events: .readable)
        while true {
            _ = try pollSet.wait(milliseconds: -1)
            while try socket.receive() != nil { count.add(1, ordering: .relaxed) }
        }
    }
}
