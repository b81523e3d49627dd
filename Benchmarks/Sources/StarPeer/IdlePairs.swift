import BinaryStar
import BinaryStarCore
import Foundation
import Synchronization

/// Pairs of which both servers are in this process, on one pump, with nothing to do but to watch each other.
struct IdlePairs {
    let count: Int
    let seconds: Double
    let folder: String

    func run() async throws {
        raiseDescriptorLimit()
        // What is noted of the beats is not the stars' memory.
        let watches = (0..<count * 2).map { _ in Watch(beats: Int(seconds * 5)) }
        let memory = residentKiB
        let pump = Pump()
        var stars: [BinaryStar] = []
        for pair in 0..<count {
            for seat in Seat.allCases {
                let star = try BinaryStar(
                    configuration: .init(
                        seat: seat, listen: "ipc://\(folder)/\(pair)-\(seat)",
                        connect: "ipc://\(folder)/\(pair)-\(seat.other)"),
                    pump: pump)
                let watch = watches[stars.count]
                await star.observe { watch.note($0) }
                stars.append(star)
            }
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for star in stars { group.addTask { try await star.run() } }
            let settled = try await settle(stars)
            for watch in watches { watch.begin() }
            let before = Usage.now
            try await Task.sleep(for: .seconds(seconds))
            let used = Usage.now.cpu - before.cpu
            report(watches, cpu: used / seconds, memory: residentKiB - memory, settled: settled)
            // Without a handover for each.
            exit(0)
        }
    }

    /// Waits until each pair has one that serves. Returns how long it took.
    private func settle(_ stars: [BinaryStar]) async throws -> Double {
        let start = ContinuousClock.now
        var roles: [Role] = []
        while ContinuousClock.now - start < .seconds(60) {
            roles = []
            for star in stars { roles.append(await star.role) }
            if roles.count(where: { $0 == .active }) == count, roles.count(where: { $0 == .passive }) == count { break }
            try await Task.sleep(for: .milliseconds(50))
        }
        // Past what follows from the changes.
        try await Task.sleep(for: .seconds(1))
        return (ContinuousClock.now - start) / .seconds(1)
    }

    private func report(_ watches: [Watch], cpu: Double, memory: Int, settled: Double) {
        let figures = watches.map(\.figures)
        let lateness = figures.flatMap(\.lateness).sorted()
        let limit = HeartbeatTiming.standard.interval.wholeNanoseconds / 2
        let late = lateness.count { $0 > limit }
        func milliseconds(_ quantile: Double) -> Double {
            guard !lateness.isEmpty else { return 0 }
            return Double(lateness[min(lateness.count - 1, Int(Double(lateness.count) * quantile))]) / 1e6
        }
        let active = figures.count { $0.isActive }
        print(
            """
            {"pairs":\(count),"active":\(active),"heartbeats":\(lateness.count),"late":\(late),\
            "late_p50_ms":\(milliseconds(0.5)),"late_p99_ms":\(milliseconds(0.99)),"late_max_ms":\(milliseconds(1)),"cpu":\(cpu),\
            "memory_kib":\(memory),"settled_s":\(settled),\
            "expected":\(Double(count * 2) * seconds / (HeartbeatTiming.standard.interval / .seconds(1)))}
            """)
    }
}

/// What one star hears from its peer, and by how much later than an interval after the one before.
private final class Watch: Sendable {
    struct Figures {
        var isWatching = false
        var isActive = false
        var last: Int64?
        var lateness: [Int64] = []
    }

    private let state: Mutex<Figures>

    /// Has room for so many.
    init(beats: Int) {
        var figures = Figures()
        figures.lateness = [Int64](repeating: 1, count: beats)
        figures.lateness.removeAll(keepingCapacity: true)
        state = Mutex(figures)
    }

    var figures: Figures { state.withLock { $0 } }

    func begin() { state.withLock { $0.isWatching = true } }

    func note(_ observation: Observation) {
        switch observation {
        case .changed(let transition): state.withLock { $0.isActive = transition.to == .active }
        case .judged(_, let instant):
            let interval = HeartbeatTiming.standard.interval.wholeNanoseconds
            state.withLock { state in
                if state.isWatching, let last = state.last {
                    state.lateness.append(max(0, instant.nanoseconds - last - interval))
                }
                state.last = instant.nanoseconds
            }
        case .admitted, .replied, .published: break
        }
    }
}

/// What this process has used.
struct Usage {
    var cpu: Double

    static var now: Usage {
        var usage = rusage()
        // `RUSAGE_SELF`, which is a type of its own with Glibc.
        getrusage(0, &usage)
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
        return Usage(cpu: seconds(usage.ru_utime) + seconds(usage.ru_stime))
    }
}

private var residentKiB: Int {
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix("RssAnon:") } ?? ""
    return line.split(whereSeparator: { !$0.isNumber }).first.flatMap { Int($0) } ?? 0
}

private func raiseDescriptorLimit() {
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    limit.rlim_cur = limit.rlim_max
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
}
