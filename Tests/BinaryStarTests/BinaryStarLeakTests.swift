#if os(Linux)
import BinaryStarCore
import Testing
import ZeroMQ

@testable import BinaryStar

/// What is left of a star that has ended. In processes of their own, whose threads, descriptors and memory nobody else uses.
@Suite(.timeLimit(.minutes(4))) struct BinaryStarLeakTests {
    @Test("1,000 starts and stops leak no thread, descriptor or memory")
    func startsAndStops() async {
        await #expect(processExitsWith: .success) {
            let folder = TemporaryFolder()
            func cycle() async throws {
                let star = try BinaryStar(
                    configuration: .init(
                        seat: .primary, listen: folder.ipc("listen"), connect: folder.ipc("nobody"), timing: .quick))
                try await star.addVoter(.router, bind: folder.ipc("voter")) { $0.body }
                let channel = try await star.open(.pull, bind: folder.ipc("channel"))
                let reader = Task { for await _ in channel {} }
                let follower = Task { [roles = star.roles] in for await _ in roles {} }
                let task = Task { try await star.run() }
                while await star.statistics.heartbeatsSent == 0 { await Task.yield() }
                task.cancel()
                try await task.value
                await reader.value
                await follower.value
            }
            // What is made once and kept, such as the thread pool, is there after some cycles.
            for _ in 0..<50 { try await cycle() }
            try await Self.settle(atMost: (1 << 20, 1 << 20))
            let before = Self.figures()
            for _ in 0..<500 { try await cycle() }
            let middle = ProcessFigures.residentBytes
            for _ in 0..<500 { try await cycle() }
            try await Self.settle(atMost: before)
            let after = ProcessFigures.residentBytes
            // A leak of one star's smallest object, a hundred bytes, would be seen in neither; one of a socket (some ten
            // kilobytes) in both.
            try #require(after - middle < 2 << 20, "\(after - middle) bytes in the last 500 cycles")
        }
    }

    @Test func starsThatNeverRun() async {
        await #expect(processExitsWith: .success) {
            let folder = TemporaryFolder()
            func cycle(_ number: Int) async throws {
                let star = try BinaryStar(
                    configuration: .init(
                        seat: .primary, listen: folder.ipc("listen"), connect: folder.ipc("nobody"), timing: .quick))
                try await star.addVoter(.router, bind: folder.ipc("voter-\(number)")) { $0.body }
                _ = try await star.open(.pull, bind: folder.ipc("channel-\(number)"))
            }
            for number in 0..<20 { try await cycle(number) }
            try await Self.settle(atMost: (30, 60))
            let before = Self.figures()
            for number in 0..<200 { try await cycle(number) }
            try await Self.settle(atMost: before)
        }
    }

    private typealias Figures = (threads: Int, descriptors: Int)

    private static func figures() -> Figures {
        (ProcessFigures.threadCount, ProcessFigures.descriptorCount)
    }

    /// Waits until the process has no more threads and descriptors than these: libzmq and the kernel end theirs a moment
    /// after they were told.
    private static func settle(atMost figures: Figures) async throws {
        try await eventually("\(figures), it is \(Self.figures())") {
            let now = Self.figures()
            return now.threads <= figures.threads && now.descriptors <= figures.descriptors
        }
    }
}
#endif
