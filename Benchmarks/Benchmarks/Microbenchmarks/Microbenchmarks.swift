import Benchmark
import BinaryStar
import BinaryStarCore
import CountedAllocations
import ZeroMQ

/// Heap allocations of the benchmark's own thread. The suite's own counters are not built in: they need its traits.
private let allocations = BenchmarkMetric.custom("Allocations")

/// Each runs a million times for one sample, so that the clock's own cost does not count.
let benchmarks: @Sendable () -> Void = {
    // Its export wants the throughput too.
    Benchmark.defaultConfiguration = .init(
        metrics: [.wallClock, .throughput, allocations], warmupIterations: 2, scalingFactor: .mega,
        maxDuration: .seconds(1), maxIterations: 20)
    stateMachine()
    heartbeats()
    requests()
}

/// One sample of an operation.
@inline(__always)
private func measure(_ benchmark: Benchmark, _ operation: (Int) -> Void) {
    let before = counted_allocations()
    benchmark.startMeasurement()
    for index in benchmark.scaledIterations { operation(index) }
    benchmark.stopMeasurement()
    benchmark.measurement(allocations, Int(counted_allocations() - before))
}

private func stateMachine() {
    let events: [Event] = [
        .peer(.primary), .peer(.backup), .peer(.active), .peer(.passive), .clientRequest, .clientRequest,
        .peer(.active), .peer(.passive),
    ]
    let roles: [Role] = [.primary, .backup, .active, .passive]
    Benchmark("FSM step") { benchmark in
        measure(benchmark) { index in
            blackHole(
                StateMachine.outcome(of: events[index & 7], in: roles[(index >> 3) & 3], peerExpired: index & 32 == 0))
        }
    }
    Benchmark("heartbeat judged by the member") { benchmark in
        var pair = Pair()
        let heartbeat = pair.backup.makeHeartbeat(at: .now)
        // The same again counts as stale, so that each has a number of its own.
        var heartbeats = heartbeat
        measure(benchmark) { _ in
            heartbeats.extension?.sequence += 1
            blackHole(pair.primary.receive(heartbeats, at: pair.now))
        }
    }
}

private func heartbeats() {
    Benchmark("heartbeat encode") { benchmark in
        var pair = Pair()
        let heartbeat = pair.primary.makeHeartbeat(at: pair.now)
        measure(benchmark) { _ in blackHole(heartbeat.frames) }
    }
    Benchmark("heartbeat decode") { benchmark in
        var pair = Pair()
        let frames = pair.primary.makeHeartbeat(at: pair.now).frames
        let (state, rest) = (frames[0], frames[1])
        measure(benchmark) { _ in
            blackHole(Heartbeat.decode(frameCount: 2, state: state.span, extension: rest.span))
        }
    }
    Benchmark("heartbeat decode, classic") { benchmark in
        let state = Heartbeat(role: .active).frames[0]
        measure(benchmark) { _ in
            blackHole(Heartbeat.decode(frameCount: 1, state: state.span, extension: nil))
        }
    }
}

private func requests() {
    Benchmark("clock") { benchmark in
        measure(benchmark) { _ in blackHole(MonotonicTime.now) }
    }
    Benchmark("admission check, with the clock") { benchmark in
        let admission = Pair().primary.admission
        measure(benchmark) { _ in blackHole(admission.admits(at: .now, clientTerm: 0)) }
    }
    Benchmark("admission check by the member, with the clock") { benchmark in
        var pair = Pair()
        measure(benchmark) { _ in blackHole(pair.primary.requestArrived(at: .now)) }
    }
    Benchmark("lease.isValid") { benchmark in
        guard let star = try? BinaryStar(configuration: .init(seat: .primary, listen: "tcp://*:1", connect: "ipc:///x"))
        else { return benchmark.error("no star") }
        measure(benchmark) { _ in blackHole(star.lease.isValid) }
    }
    Benchmark("request header encode") { benchmark in
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: RequestHeader.length, alignment: 8)
        defer { bytes.deallocate() }
        measure(benchmark) { index in
            RequestHeader(incarnation: 7, number: UInt64(index)).encode(into: bytes)
            blackHole(bytes[20])
        }
    }
    Benchmark("request header decode") { benchmark in
        let bytes = RequestHeader(incarnation: 7, number: 9).encoded
        measure(benchmark) { _ in blackHole(RequestHeader(bytes.span)) }
    }
}

/// Two members that have met: the primary is active, with a lease of hours, so that a benchmark does not outlast it.
private struct Pair {
    var primary: PairMember
    var backup: PairMember
    let now = MonotonicTime.now

    init() {
        let timing = HeartbeatTiming(interval: .seconds(3_600), timeout: .seconds(10_000))
        func member(_ seat: Seat, _ incarnation: UInt64, _ now: MonotonicTime) -> PairMember {
            PairMember(
                configuration: .init(
                    seat: seat, timing: timing, pairName: "pair", wire: .extended, coldStart: .never,
                    conflictPolicy: .failStop),
                incarnation: incarnation, termFloor: 1, now: now)
        }
        primary = member(.primary, 1, now)
        backup = member(.backup, 2, now)
        for _ in 0..<4 {
            _ = backup.receive(primary.makeHeartbeat(at: now), at: now)
            primary.heartbeatWasSent(at: now)
            _ = primary.receive(backup.makeHeartbeat(at: now), at: now)
            backup.heartbeatWasSent(at: now)
        }
        precondition(primary.role == .active, "the members did not meet")
    }
}
