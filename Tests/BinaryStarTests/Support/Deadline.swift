import Testing

@testable import BinaryStar

/// What was awaited did not come about in time.
struct DeadlineExceeded: Error, CustomStringConvertible {
    var what: String
    var description: String { "not in time: \(what)" }
}

/// Long enough for a busy machine; nothing waits for as long as this unless it fails.
let patience = Duration.seconds(30)

/// Awaits `operation`, which must react to cancellation, and fails when it takes too long.
func withTimeout<Value: Sendable>(
    _ limit: Duration = patience,
    _ what: String = "operation",
    _ operation: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    try await withThrowingTaskGroup(of: Value.self) { group in
        group.addTask { try await operation() }
        group.addTask {
            try await Task.sleep(for: limit)
            throw DeadlineExceeded(what: what)
        }
        defer { group.cancelAll() }
        guard let value = try await group.next() else { throw CancellationError() }
        return value
    }
}

/// Looks again and again until `condition` holds. Only for what tells nobody that it has changed, such as a counter.
func eventually(
    _ what: String,
    within limit: Duration = patience,
    _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + limit
    while try await !condition() {
        guard ContinuousClock.now < deadline else { throw DeadlineExceeded(what: what) }
        try await Task.sleep(for: .milliseconds(2))
    }
}

/// A value that several tasks change, for use in closures.
final class Box<Value: Sendable>: Sendable {
    private let storage: Lock<Value>

    init(_ value: Value) { storage = Lock(value) }

    var value: Value { storage.withLock { $0 } }

    @discardableResult
    func update<Result: Sendable>(_ change: @Sendable (inout Value) -> Result) -> Result {
        storage.withLock { change(&$0) }
    }
}

/// A door that opens once, for all who wait.
final class Gate: Sendable {
    private let stream = AsyncStream.makeStream(of: Never.self)

    func open() { stream.continuation.finish() }

    /// Returns when the door is open, also if the task is cancelled. One task may wait.
    func pass() async { for await _ in stream.stream {} }
}
