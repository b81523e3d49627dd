import BinaryStar
import BinaryStarHTTP
import CProcess
import Logging
import ServiceLifecycle
import UnixSignals

/// Reports a star to the service manager that started this process: when it is ready, what it is, and that its pump
/// lives.
struct ServiceReport: Sendable {
    let star: BinaryStar
    /// How often the manager wants to hear of the pump; `nil` if it does not.
    let watchdog: Duration?
    let notify: @Sendable ([String]) -> Void

    init(of star: BinaryStar, watchdog: Duration?, notify: @escaping @Sendable ([String]) -> Void) {
        self.star = star
        self.watchdog = watchdog
        self.notify = notify
    }

    init(of star: BinaryStar, to manager: ServiceManager) {
        self.init(of: star, watchdog: manager.watchdog) { manager.notify($0) }
    }

    /// Reports until the task is cancelled, or the star never runs.
    func run() async {
        let events = star.events
        guard await star.waitUntilRunning() else { return }
        let role = await star.role
        notify(["READY=1", "STATUS=\(role.state)"])
        await withTaskGroup(of: Void.self) { group in
            group.addTask { for await change in events { notify(["STATUS=\(change.status)"]) } }
            if let watchdog { group.addTask { await feed(every: watchdog / 2) } }
        }
    }

    /// The answer comes from the thread that owns the sockets: one that hangs does not give it, and the manager ends
    /// the process.
    private func feed(every interval: Duration) async {
        while !Task.isCancelled {
            _ = await star.role
            notify(["WATCHDOG=1"])
            try? await Task.sleep(for: interval)
        }
    }
}

/// Tells the manager that the service begins to stop. Behind the star in a group, it is told first.
struct StopNotice: Service {
    let notify: @Sendable ([String]) -> Void

    func run() async throws {
        try? await gracefulShutdown()
        // Cancelled, the service has ended by itself.
        if !Task.isCancelled { notify(["STOPPING=1", "STATUS=handing over"]) }
    }
}

extension RoleChange {
    /// On one line of `systemctl status`.
    fileprivate var status: String {
        "\(to.state)\(to == .active ? " in term \(term)" : ""): \(cause.explanation)"
    }
}

/// Runs a star until it ends or a signal comes, and reports it to the service manager if there is one, and by HTTP if
/// that is asked for.
func runInGroup(_ star: BinaryStar, _ status: StatusServer?, logger: Logger) async throws {
    let manager = ServiceManager.current
    let report = manager.map { manager in Task { await ServiceReport(of: star, to: manager).run() } }
    var services = [ServiceGroupConfiguration.ServiceConfiguration(service: star)]
    // First, so that it ends last; and no trouble of its own, which it logs, ends the star.
    if let status { services.insert(.init(service: status, failureTerminationBehavior: .ignore), at: 0) }
    if let manager { services.append(.init(service: StopNotice { manager.notify($0) })) }
    let group = ServiceGroup(
        configuration: .init(services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
    let shrinking = Task { await shrink(after: star) }
    defer {
        report?.cancel()
        shrinking.cancel()
    }
    try await group.run()
}

/// Gives back the memory of code that only the start has used, two fifths of all that such a process has. When it is killed, its
/// peer learns of it by the connections that the kernel closes, and it closes them when it has taken the memory apart.
private func shrink(after star: BinaryStar) async {
    guard await star.waitUntilRunning(), (try? await Task.sleep(for: .seconds(1))) != nil else { return }
    cprocess_unmap_used_code()
}
