import BinaryStarCore
import TestSupport
import Testing

@testable import BinaryStar

@Suite(.serialized, .timeLimit(.minutes(2))) struct PumpTests {
    /// An actor on a pump.
    private actor Tenant {
        nonisolated let pump: Pump
        nonisolated var unownedExecutor: UnownedSerialExecutor { pump.asUnownedSerialExecutor() }
        var count = 0

        init(_ pump: Pump) { self.pump = pump }

        func add() -> Int {
            count += 1
            return count
        }

        var isOnPump: Bool { pump.isCurrentThread }

        /// Keeps the thread: an endless timer, which the pump watches.
        func keepThread() {
            let timer = PumpTimer { _ in }
            pump.confined.insert(timer)
            held = timer
        }

        func letThreadGo() {
            if let held { pump.confined.remove(held) }
            held = nil
        }

        private var held: PumpTimer?

        /// Waits for a timer of the pump, and says when it fired.
        func waitForTimer(_ delay: Duration) async -> MonotonicTime {
            let fired: MonotonicTime = await withCheckedContinuation { continuation in
                let timer = PumpTimer { continuation.resume(returning: $0) }
                timer.deadline = .now + delay
                pump.confined.insert(timer)
                held = timer
            }
            letThreadGo()
            return fired
        }
    }

    @Test func callsRunOnThePumpsThread() async {
        let tenant = Tenant(Pump())
        #expect(await tenant.isOnPump)
        #expect(!tenant.pump.isCurrentThread)
    }

    @Test func taskExecutor() async {
        let pump = Pump()
        let onPump = await withTaskExecutorPreference(pump.taskExecutor) { pump.isCurrentThread }
        #expect(onPump)
        let child = await Task(executorPreference: pump.taskExecutor) {
            await Task.yield()
            return pump.isCurrentThread
        }.value
        #expect(child)
    }

    #if os(Linux)
    @Test("The thread ends when no job waits and no socket and timer is left")
    func threadEndsAndStartsAgain() async throws {
        let name = "test-\(UInt32.random(in: 0...0xFFFF_FFFF))"
        let tenant = Tenant(Pump(name: name))
        #expect(ProcessFigures.threads(named: name) == 0)
        for expected in 1...20 {
            #expect(await tenant.add() == expected)
            try await eventually("end of the thread") { ProcessFigures.threads(named: name) == 0 }
        }
        await tenant.keepThread()
        #expect(ProcessFigures.threads(named: name) == 1)
        await tenant.letThreadGo()
        try await eventually("end of the thread") { ProcessFigures.threads(named: name) == 0 }
        // Jobs that come later start it again.
        #expect(await tenant.isOnPump)
    }
    #endif

    @Test func jobsOfManyThreadsAllRunOneAtATime() async throws {
        let tenant = Tenant(Pump())
        await tenant.keepThread()
        let calls = 2_000
        try await withTimeout(.seconds(60), "all jobs") {
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<50 {
                    group.addTask { for _ in 0..<calls / 50 { _ = await tenant.add() } }
                }
            }
        }
        #expect(await tenant.count == calls)
        await tenant.letThreadGo()
    }

    /// Every call finds the pump asleep, or just falling asleep, or just ending its thread.
    @Test(arguments: [true, false])
    func noWakeIsLost(keepsThread: Bool) async throws {
        let tenant = Tenant(Pump())
        if keepsThread { await tenant.keepThread() }
        try await withTimeout(.seconds(60), "a lost wake") {
            for expected in 1...5_000 where await tenant.add() != expected { Issue.record("a call was lost") }
        }
        await tenant.letThreadGo()
    }

    @Test("No wake is lost while the pump looks for more after bursts")
    func noWakeIsLostUnderLoad() async throws {
        let folder = TemporaryFolder()
        try await withActiveStar { star, _ in
            let channel = try await star.open(.pull, bind: folder.ipc("pull"))
            let push = try RawSocket(.push, connect: folder.ipc("pull"))
            let flood = Task {
                while true {
                    for _ in 0..<20 { push.send("x") }
                    try await Task.sleep(for: .microseconds(300))
                }
            }
            let reading = Task { for await _ in channel {} }
            try await withTimeout(.seconds(60), "a lost wake") {
                for _ in 1...5_000 { _ = await star.passCount }
            }
            flood.cancel()
            reading.cancel()
            await push.close()
        }
    }

    @Test("Sockets that nothing comes to cost no turns")
    func idleSockets() async throws {
        let folder = TemporaryFolder()
        try await withActiveStar { star, _ in
            let channels = [
                try await star.open(.pull, bind: folder.ipc("pull")),
                try await star.open(.sub(), connect: folder.ipc("nobody")),
                try await star.open(.dealer, connect: folder.ipc("nobody")),
            ]
            let voter = try await star.addVoter(.router, bind: folder.ipc("voter")) { $0.body }
            // Each has done something already.
            #expect(try await RawClient(voter).request("x") == "x")
            let push = try RawSocket(.push, connect: folder.ipc("pull"))
            push.send("x")
            for await _ in channels[0] { break }
            await push.close()
            let before = await star.passCount
            try await Task.sleep(for: .milliseconds(300))
            // A heartbeat every 20 ms goes out, and one every 10 ms comes in.
            #expect(await star.passCount - before < 1_000)
        }
    }

    @Test func signalIsCalledForEachRaiseThatFollowsACall() async throws {
        let pump = Pump()
        let tenant = Tenant(pump)
        await tenant.keepThread()
        let calls = Box(0)
        let signal = PumpSignal(pump: pump) { [calls] in calls.update { $0 += 1 } }
        for round in 1...1_000 {
            signal.raise()
            try await eventually("signal") { calls.value >= round }
        }
        #expect(calls.value == 1_000)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 { group.addTask { for _ in 0..<1_000 { signal.raise() } } }
        }
        try await eventually("last signal") { calls.value > 1_000 }
        #expect(calls.value <= 9_000)
        await tenant.letThreadGo()
    }

    @Test(arguments: [0, 1, 20, 100])
    func timersAreNeverEarly(milliseconds: Int) async {
        let tenant = Tenant(Pump())
        let start = MonotonicTime.now
        let fired = await tenant.waitForTimer(.milliseconds(milliseconds))
        #expect(fired - start >= .milliseconds(milliseconds))
    }

    @Test func manyTenantsShareAPump() async {
        let pump = Pump()
        let tenants = (0..<20).map { _ in Tenant(pump) }
        await withTaskGroup(of: Bool.self) { group in
            for tenant in tenants { group.addTask { await tenant.isOnPump } }
            for await isOnPump in group { #expect(isOnPump) }
        }
    }

    @Test func clockDoesNotGoBack() {
        var last = MonotonicTime.now
        for _ in 0..<10_000 {
            let now = MonotonicTime.now
            #expect(now >= last)
            last = now
        }
    }
}

extension BinaryStar {
    fileprivate var passCount: Int { pump.confined.turn }
}

@Suite final class BusyPollTests {
    private var poll = BusyPoll(isAllowed: true)

    private func at(_ microseconds: Int64) -> MonotonicTime { MonotonicTime(nanoseconds: microseconds * 1_000) }

    /// Whether the pump goes on after it has found nothing from `begin` on, with a last look and yield of so many microseconds.
    private func goesOn(from begin: Int64, to now: Int64, lastLook: Int64 = 1) -> Bool {
        poll.lookedInVain(since: at(begin), from: at(now - lastLook), to: at(now))
        return poll.isOn
    }

    private func begins(at now: Int64) -> Bool {
        poll.begin(at: at(now))
        return poll.isOn
    }

    @Test("A pump looks for more for 200 µs after each burst")
    func burst() {
        #expect(!poll.isOn)
        #expect(begins(at: 0))
        #expect(goesOn(from: 0, to: 199))
        #expect(begins(at: 199))
        #expect(goesOn(from: 199, to: 398))
        #expect(!goesOn(from: 199, to: 399))
    }

    @Test("A pump that looked in vain sleeps as usual for ten times as long")
    func vain() {
        #expect(begins(at: 0))
        #expect(!goesOn(from: 0, to: 200))
        #expect(!begins(at: 2_199))
        #expect(begins(at: 2_200))
        // The time was over when it came to look.
        #expect(!goesOn(from: 5_000, to: 5_001))
        #expect(!begins(at: 5_010))
        #expect(begins(at: 5_011))
    }

    @Test("A pump whose processor another thread took stops looking, and what that thread took does not count")
    func yielded() {
        #expect(begins(at: 0))
        #expect(goesOn(from: 0, to: 30, lastLook: 30))
        #expect(!goesOn(from: 0, to: 61, lastLook: 31))
        #expect(!begins(at: 360))
        #expect(begins(at: 361))
    }

    @Test("Where it is not allowed, it never looks")
    func notAllowed() {
        var poll = BusyPoll(isAllowed: false)
        poll.begin(at: at(0))
        #expect(!poll.isOn)
    }
}
