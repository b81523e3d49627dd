import BinaryStar
import Foundation
import Synchronization
import ZeroMQ

/// What a client keeps for each request in flight: by how much more the heap grows while tasks wait for replies than while as many
/// tasks sleep, which too is a wait that can be cancelled.
struct MemoryOfRequests {
    let folder: URL
    let count: Int

    private static let body = "0123456789abcdef"
    /// A KiB and the body.
    private static let mostBytes = 1_024 + body.utf8.count

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
        let bare = try await growth { try? await Task.sleep(for: .seconds(60)) }
        let before = server.received
        let request = try await growth { _ = try? await client.request(Message(Self.body), timeout: .seconds(60)) }
        try require(server.received - before == count, "\(server.received - before) requests have arrived")
        await client.close()
        let difference = request - bare
        try require(difference > Self.body.utf8.count, "\(difference) bytes for a request cannot be")
        print(
            "\(request) bytes for each of \(count) requests in flight with their tasks, \(bare) for a task that sleeps: "
                + "\(difference) for a request")
        try require(difference <= Self.mostBytes, "\(difference) bytes for a request, of at most \(Self.mostBytes)")
    }

    /// The bytes of the heap for each of the tasks, while all of them wait.
    private func growth(_ wait: @escaping @Sendable () async -> Void) async throws -> Int {
        let before = Figures.heapBytes
        let tasks = (0..<count).map { _ in Task { await wait() } }
        try await Task.sleep(for: .seconds(1))
        let during = Figures.heapBytes
        for task in tasks { task.cancel() }
        for task in tasks { await task.value }
        return (during - before) / count
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
