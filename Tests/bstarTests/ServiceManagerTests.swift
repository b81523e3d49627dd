import BinaryStar
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import bstar

@Suite(.timeLimit(.minutes(1))) struct ServiceManagerTests {
    private static let abstract = "@bstar-test-\(UUID().uuidString)"

    private static var names: [String] {
        #if os(Linux)
        ["/socket", abstract]
        #else
        ["/socket"]
        #endif
    }

    @Test("What is notified arrives, at a path and at an abstract name", arguments: names)
    func arrives(_ name: String) async throws {
        let folder = TemporaryFolder()
        let path = name.hasPrefix("/") ? folder.path + name : name
        let listener = try #require(DatagramListener(path))
        let manager = try #require(ServiceManager(process: 1) { ["NOTIFY_SOCKET": path][$0] })
        manager.notify(["READY=1", "STATUS=all\nis well"])
        var datagrams = listener.datagrams.makeAsyncIterator()
        // A value has no line end: behind one the next assignment begins.
        #expect(await datagrams.next() == "READY=1\nSTATUS=all is well")
    }

    @Test(
        "Without a socket that can be used there is no manager",
        arguments: [nil, "", "@", "relative", "/" + String(repeating: "x", count: 200)])
    func withoutASocket(_ name: String?) {
        #expect(
            ServiceManager(process: 1) { ["NOTIFY_SOCKET": name ?? ""][$0].flatMap { name == nil ? nil : $0 } } == nil)
    }

    @Test("A manager that is gone harms nothing")
    func gone() throws {
        let manager = try #require(ServiceManager(process: 1) { ["NOTIFY_SOCKET": "/nowhere/at/all"][$0] })
        manager.notify(["READY=1"])
    }

    @Test("The watchdog is that of this process")
    func watchdog() {
        func watchdog(_ variables: [String: String]) -> Duration? {
            ServiceManager(process: 7) { variables.merging(["NOTIFY_SOCKET": "/nowhere"]) { own, _ in own }[$0] }?
                .watchdog
        }
        #expect(watchdog([:]) == nil)
        #expect(watchdog(["WATCHDOG_USEC": "3000000"]) == .seconds(3))
        #expect(watchdog(["WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "7"]) == .seconds(3))
        #expect(watchdog(["WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "8"]) == nil)
        #expect(watchdog(["WATCHDOG_USEC": "0"]) == nil)
        #expect(watchdog(["WATCHDOG_USEC": "often"]) == nil)
    }

    /// A handler that holds up its thread until it is told to go on.
    private final class Brake: Sendable {
        private let semaphore = DispatchSemaphore(value: 0)
        let reached = AsyncStream.makeStream(of: Void.self)
        func hold() {
            reached.continuation.yield()
            semaphore.wait()
        }
        func release() { semaphore.signal() }
    }

    @Test("The watchdog is fed while the thread that owns the sockets turns, and not when it hangs")
    func pump() async throws {
        let folder = TemporaryFolder()
        let star = try BinaryStar(
            configuration: .init(
                seat: .primary, listen: folder.ipc("a"), connect: folder.ipc("b"),
                timing: .init(interval: .milliseconds(20), timeout: .milliseconds(60))))
        let brake = Brake()
        try await star.addInlineVoter(.pull, bind: folder.ipc("voter")) { _ in
            brake.hold()
            return nil
        }
        let (notes, continuation) = AsyncStream.makeStream(of: [String].self)
        let feeds = Mutex(0)
        let report = ServiceReport(of: star, watchdog: .milliseconds(40)) { note in
            if note == ["WATCHDOG=1"] { feeds.withLock { $0 += 1 } }
            continuation.yield(note)
        }
        let running = Task { try await star.run() }
        let reporting = Task { await report.run() }
        var iterator = notes.makeAsyncIterator()
        #expect(await iterator.next() == ["READY=1", "STATUS=waiting"])
        for _ in 0..<3 { #expect(await iterator.next() == ["WATCHDOG=1"]) }
        let sender = try BinaryStar(
            configuration: .init(seat: .primary, listen: folder.ipc("c"), connect: folder.ipc("d")))
        let channel = try await sender.open(.push, connect: folder.ipc("voter"))
        // The first ones are refused until the peer has been silent for the timeout.
        let asking = Task {
            while !Task.isCancelled {
                try await channel.send("vote")
                try await Task.sleep(for: .milliseconds(10))
            }
        }
        var reached = brake.reached.stream.makeAsyncIterator()
        _ = await reached.next()
        asking.cancel()
        // One may have been answered before; then comes a time in which ten are due.
        let before = feeds.withLock { $0 }
        try await Task.sleep(for: .milliseconds(200))
        #expect(feeds.withLock { $0 } <= before + 1)
        for _ in 0..<1_000 { brake.release() }
        reporting.cancel()
        running.cancel()
        try await running.value
    }
}
