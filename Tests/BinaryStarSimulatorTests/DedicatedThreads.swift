import CZeroMQ
import Foundation
import Testing

/// Runs tests on threads of their own. Those that compute for long would otherwise keep Swift's own threads, of which there
/// are as many as processors, from the tests that wait for something with a deadline.
final class DedicatedThreads: TaskExecutor {
    private final class Jobs: @unchecked Sendable {
        // Sendable, because the queue is reached under the condition's lock only.
        private let condition = NSCondition()
        private var queue: [UnownedJob] = []

        func append(_ job: UnownedJob) {
            condition.withLock { queue.append(job) }
            condition.signal()
        }

        func next() -> UnownedJob {
            condition.withLock {
                while queue.isEmpty { condition.wait() }
                return queue.removeFirst()
            }
        }
    }

    private let jobs = Jobs()

    /// The threads live as long as the process.
    static let shared = DedicatedThreads()

    private init() {
        // ThreadSanitizer does not see the standard library's mutex, by which the threads of an exploration share what they have
        // seen.
        let isSanitized = czmq_tsan_is_active() != 0
        for _ in 0..<(isSanitized ? 1 : 2) {
            Thread.detachNewThread { [self] in
                while true { jobs.next().runSynchronously(on: asUnownedTaskExecutor()) }
            }
        }
    }

    func enqueue(_ job: consuming ExecutorJob) { jobs.append(UnownedJob(job)) }
}

/// Has the tests of a suite run on ``DedicatedThreads``.
struct ComputesForLong: SuiteTrait, TestTrait, TestScoping {
    var isRecursive: Bool { true }

    func provideScope(
        for test: Test,
        testCase: Test.Case?,
        performing function: @Sendable () async throws -> Void
    ) async throws {
        try await withTaskExecutorPreference(DedicatedThreads.shared) { try await function() }
    }
}

extension Trait where Self == ComputesForLong {
    static var computesForLong: Self { ComputesForLong() }
}
