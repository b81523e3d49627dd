import BinaryStar
import Foundation

/// What is left of stars that have ended.
struct Leaks {
    let folder: URL

    private func star() throws -> BinaryStar {
        try BinaryStar(
            configuration: .init(
                seat: .primary, listen: folder.ipc("listen"), connect: folder.ipc("nobody"),
                timing: .init(interval: .milliseconds(20), timeout: .milliseconds(400))))
    }

    func startsAndStops() async throws {
        // What is made once and kept, such as the thread pool, is there after some cycles.
        for _ in 0..<50 { try await startAndStop() }
        // So is the descriptor of Dispatch's timer, which the first sleep makes.
        try await Task.sleep(for: .milliseconds(200))
        let before = Figures.now
        for _ in 0..<500 { try await startAndStop() }
        let middle = Figures.residentBytes
        for _ in 0..<500 { try await startAndStop() }
        try await settle(atMost: before)
        let growth = Figures.residentBytes - middle
        print("1,050 starts and stops; \(before) then \(Figures.now); \(growth) bytes grown in the last 500")
        // A star's own objects are some kilobytes, its sockets some ten: 500 leaks of either would be more.
        try require(growth < 2 << 20, "\(growth) bytes grown in the last 500 cycles")
    }

    private func startAndStop() async throws {
        let star = try star()
        try await star.addVoter(.router, bind: folder.ipc("voter")) { $0.body }
        let channel = try await star.open(.pull, bind: folder.ipc("channel"))
        let reader = Task { for await _ in channel {} }
        let follower = Task { [roles = star.roles] in for await _ in roles {} }
        let running = Task { try await star.run() }
        while await star.statistics.heartbeatsSent == 0 { await Task.yield() }
        running.cancel()
        try await running.value
        await reader.value
        await follower.value
    }

    func starsThatNeverRun() async throws {
        for number in 0..<20 { try await makeAndDrop(number) }
        try await settle(atMost: (30, 60))
        let before = Figures.now
        for number in 0..<200 { try await makeAndDrop(number) }
        try await settle(atMost: before)
        print("200 stars that never ran; \(before) then \(Figures.now)")
    }

    private func makeAndDrop(_ number: Int) async throws {
        let star = try star()
        try await star.addVoter(.router, bind: folder.ipc("voter-\(number)")) { $0.body }
        _ = try await star.open(.pull, bind: folder.ipc("channel-\(number)"))
    }

    /// Waits until the process has no more threads and descriptors than these: libzmq and the kernel end theirs a moment
    /// after they were told. The thread pool may have grown meanwhile, by no more than a thread a processor.
    private func settle(atMost before: (threads: Int, descriptors: Int)) async throws {
        let limit = (
            threads: before.threads + ProcessInfo.processInfo.activeProcessorCount, descriptors: before.descriptors
        )
        let deadline = ContinuousClock.now + .seconds(20)
        repeat {
            try require(ContinuousClock.now < deadline, "\(Figures.now) instead of at most \(limit)")
            // Once at least: the first sleep of a process takes descriptors that stay.
            try await Task.sleep(for: .milliseconds(5))
        } while Figures.now.threads > limit.threads || Figures.now.descriptors > limit.descriptors
    }
}

/// What Linux says about this process.
enum Figures {
    static var now: (threads: Int, descriptors: Int) {
        (count("/proc/self/task"), count("/proc/self/fd"))
    }

    static var residentBytes: Int {
        let text = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
        return (Int(text.split(separator: " ").dropFirst().first ?? "") ?? 0) * 4_096
    }

    private static func count(_ folder: String) -> Int {
        (try? FileManager.default.contentsOfDirectory(atPath: folder).count) ?? 0
    }
}
