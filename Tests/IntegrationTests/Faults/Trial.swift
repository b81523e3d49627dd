import BinaryStarCore
import Foundation
import Synchronization
import TestSupport

/// Where a pair and its clients run.
struct Place: Sendable {
    /// Where the clients reach each server.
    var fronts: [Seat: String]
    /// Where each server publishes its role.
    var states: [Seat: String]
    /// With what the commands of the servers and of the clients begin.
    var serverPrefix: [Seat: [String]] = [:]
    var clientPrefix: [String] = []

    func front(_ seat: Seat) -> String { fronts[seat] ?? "" }
    func state(_ seat: Seat) -> String { states[seat] ?? "" }

    /// On this machine, at ports that are free.
    static func loopback() throws -> Place {
        // All at a time, so that they differ.
        let listeners = (0..<4).compactMap { _ in PortListener() }
        guard listeners.count == 4 else { throw Checker.Violation(description: "there are no free ports") }
        let endpoints = listeners.map(\.endpoint)
        return Place(
            fronts: [.primary: endpoints[0], .backup: endpoints[1]],
            states: [.primary: endpoints[2], .backup: endpoints[3]])
    }
}

/// A pair of real processes with its clients, and what they write down about themselves.
final class Trial: Sendable {
    let place: Place
    private let folder = TemporaryFolder()
    private let servers = Mutex<[Seat: ToolProcess]>([:])

    /// Starts the servers, and returns when the primary is active and the backup passive.
    init(at place: Place) async throws {
        self.place = place
        for seat in Seat.allCases { try start(seat) }
        try await waitUntil(.primary, is: .active)
        try await waitUntil(.backup, is: .passive)
    }

    private func log(_ seat: Seat) -> String { "\(folder.path)/\(seat).jsonl" }

    func start(_ seat: Seat) throws {
        let server = try ToolProcess(
            "bstar",
            [
                "serve", "--no-control", "--seat", "\(seat)", "--frontend", place.front(seat), "--listen",
                place.state(seat),
                "--connect", place.state(seat.other), "--access-log", log(seat), "--log-level", "error",
            ], prefix: place.serverPrefix[seat] ?? [])
        servers.withLock { $0[seat] = server }
    }

    func server(_ seat: Seat) -> ToolProcess {
        guard let server = servers.withLock({ $0[seat] }) else { preconditionFailure("both were started") }
        return server
    }

    /// Waits until the server has written down that it took on this role, as the latest one.
    func waitUntil(_ seat: Seat, is role: Role, within limit: Duration = .seconds(15)) async throws {
        let deadline = ContinuousClock.now + limit
        while Record.read(log(seat)).last(where: { $0.event == .role })?.role != "\(role)" {
            guard ContinuousClock.now < deadline else {
                throw Checker.Violation(description: "the \(seat) did not become \(role) within \(limit)")
            }
            // A file tells nobody that it has grown.
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    /// Runs a client of ours, and one at each server that asks whatever the server's role is, while `fault` does its work.
    ///
    /// - Returns: what all have written down.
    func run(seconds: Double, fault: () async throws -> Void) async throws -> [Record] {
        let milliseconds = "\(Int(seconds * 1_000))"
        var clients = [
            (
                "load", [place.front(.primary), place.front(.backup), "\(FaultOptions.period)"],
                "\(folder.path)/load.jsonl"
            )
        ]
        for seat in Seat.allCases {
            clients.append(("votes", ["\(seat)", place.front(seat)], "\(folder.path)/votes-\(seat).jsonl"))
        }
        let processes = try clients.map { mode, arguments, file in
            try ToolProcess("Probe", [mode] + arguments + [milliseconds, file], prefix: place.clientPrefix)
        }
        // Any phase of the heartbeats.
        try await Task.sleep(for: .milliseconds(300 + .random(in: 0..<250)))
        try await fault()
        for process in processes {
            guard await process.exitCode(within: .seconds(seconds + 30)) == 0 else {
                throw Checker.Violation(description: "a client failed")
            }
        }
        return records(of: clients.map(\.2))
    }

    private func records(of clients: [String]) -> [Record] {
        (Seat.allCases.map(log) + clients).flatMap(Record.read)
    }

    /// Both servers run on: nobody aborts.
    var bothRun: Bool { Seat.allCases.allSatisfy { server($0).isRunning } }
}
