import BinaryStar
import ServiceLifecycle
import Subprocess

/// The demonstration: three processes, two failovers, and what was seen of them.
actor Demo: Service {
    private let timing: HeartbeatTiming
    private(set) var succeeded = false

    private var timeline = Timeline()
    private var processes: [Seat: DemoProcess] = [:]
    private var client: DemoProcess?
    private var roles: [Seat: Role] = [:]
    private var lastServer: Seat?
    private var replyCount = 0
    private var gaps: [String] = []
    private var waiters: [Int: (isMet: () -> Bool, continuation: CheckedContinuation<Bool, Never>)] = [:]
    private var waiterCount = 0

    private struct Ports {
        let clients: [Seat: UInt16]
        let state: [Seat: UInt16]
    }

    private struct StepFailed: Error {}

    init(timing: HeartbeatTiming) {
        self.timing = timing
    }

    func run() async throws {
        let ticker = Task { await self.tick() }
        do {
            try await perform()
            succeeded = true
        } catch is StepFailed {
            timeline.event("FAILED: this step did not come about in time")
        } catch is CancellationError {
            timeline.event("stopped")
        }
        ticker.cancel()
        timeline.finish()
        await endAll()
        if succeeded { summarize() }
    }

    // MARK: The steps

    private func perform() async throws {
        let numbers = freePorts(4)
        guard numbers.count == 4 else {
            timeline.event("there are no free ports on this machine")
            throw StepFailed()
        }
        let ports = Ports(
            clients: [.primary: numbers[0], .backup: numbers[1]], state: [.primary: numbers[2], .backup: numbers[3]])
        timeline.event("starting the primary and the backup")
        for seat in Seat.allCases { start(seat, ports) }
        try await step("they have found each other") { self.roles == [.primary: .active, .backup: .passive] }
        timeline.event("starting a client that sends 50 requests a second")
        startClient(ports)
        try await step("the primary replies") { self.lastServer == .primary }
        try await failOver(from: .primary, ports)
        try await failOver(from: .backup, ports)
    }

    /// Ends the active server, sees the other one take over, and the first one come back passive.
    private func failOver(from seat: Seat, _ ports: Ports) async throws {
        let other: Seat = seat == .primary ? .backup : .primary
        try await Task.sleep(for: .seconds(1))
        let seen = gaps.count
        timeline.event("ending the \(seat), which is active, with SIGKILL")
        await processes.removeValue(forKey: seat)?.end(with: .kill)
        roles[seat] = nil
        try await step("the \(other) has taken over") { self.roles[other] == .active }
        try await step("the client has its replies from the \(other)") {
            self.lastServer == other && self.gaps.count > seen
        }
        timeline.event("failover \(gaps.last ?? "")")
        timeline.event("starting the \(seat) again")
        start(seat, ports)
        try await step("it has come back passive, and the \(other) has stayed active") {
            self.roles == [seat: .passive, other: .active]
        }
    }

    private func step(_ text: String, until isMet: @escaping () -> Bool) async throws {
        let isDone = await wait(until: isMet)
        try Task.checkCancellation()
        guard isDone else {
            timeline.event("waited for: \(text)")
            throw StepFailed()
        }
        timeline.event("\(text)")
    }

    private func summarize() {
        Console.print("")
        Console.print("Every step came about. \(replyCount) replies.")
        Console.print("Heartbeat every \(timing.interval.short), timeout \(timing.timeout.short).")
        for (index, gap) in gaps.enumerated() { Console.print("Failover \(index + 1): \(gap)") }
    }

    // MARK: Processes

    private func start(_ seat: Seat, _ ports: Ports) {
        let other: Seat = seat == .primary ? .backup : .primary
        let arguments = [
            "serve", "--seat", "\(seat)", "--frontend", endpoint(ports.clients[seat]),
            "--listen", endpoint(ports.state[seat]), "--connect", endpoint(ports.state[other]),
            "--interval", argument(timing.interval), "--timeout", argument(timing.timeout), "--no-control",
        ]
        processes[seat] = DemoProcess(arguments) { await self.heard($0, from: seat) }
    }

    private func startClient(_ ports: Ports) {
        let arguments = [
            "request", "--primary", endpoint(ports.clients[.primary]), "--backup", endpoint(ports.clients[.backup]),
            "--every", "20ms", "--timeout", "30s", "--json",
        ]
        client = DemoProcess(arguments) { await self.heardFromClient($0) }
    }

    private func endAll() async {
        await client?.end(with: .terminate)
        for process in processes.values { await process.end(with: .terminate) }
    }

    private func endpoint(_ port: UInt16?) -> String { "tcp://127.0.0.1:\(port ?? 0)" }

    private func argument(_ duration: Duration) -> String { "\(Int(duration / .milliseconds(1)))ms" }

    // MARK: What they say

    private func heard(_ line: String, from seat: Seat) {
        let prefix = "\(seat): "
        guard line.hasPrefix(prefix) else { return }
        let said = line.dropFirst(prefix.count)
        guard let role = [Role.active, .passive].first(where: { said.hasPrefix("\($0) ") }) else { return }
        roles[seat] = role
        timeline.event(line)
        checkWaiters()
    }

    private func heardFromClient(_ line: String) {
        func seat(_ name: String) -> Seat? { JSONObject.field(name, in: line).flatMap { Seat(rawValue: $0) } }
        switch JSONObject.field("event", in: line) {
        case "failover":
            let length = JSONObject.field("length_us", in: line).flatMap { Int($0) } ?? 0
            if let from = seat("from"), let to = seat("to") {
                gaps.append("from \(from) to \(to): \(Duration.microseconds(length).short) without a reply")
            }
        case "reply":
            guard let server = seat("server") else { break }
            lastServer = server
            replyCount += 1
            timeline.reply(from: server)
        default: break
        }
        checkWaiters()
    }

    // MARK: Waiting

    /// Returns true when the condition is met, or false after the time that a step may take.
    private func wait(until isMet: @escaping () -> Bool) async -> Bool {
        waiterCount += 1
        let id = waiterCount
        let limit = Task {
            try? await Task.sleep(for: timing.timeout * 4 + .seconds(10))
            give(false, to: id)
        }
        defer { limit.cancel() }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                if isMet() { continuation.resume(returning: true) } else { waiters[id] = (isMet, continuation) }
            }
        } onCancel: {
            limit.cancel()
        }
    }

    private func checkWaiters() {
        for (id, waiter) in waiters where waiter.isMet() { give(true, to: id) }
    }

    private func give(_ result: Bool, to id: Int) {
        waiters.removeValue(forKey: id)?.continuation.resume(returning: result)
    }

    private func tick() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: Timeline.tick)
            timeline.advance(roles: roles)
        }
    }
}
