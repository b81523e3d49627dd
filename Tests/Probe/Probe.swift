import BinaryStar
import Foundation
import ZeroMQ

/// What must be measured in a process of its own, because it counts the process's threads and descriptors or blocks every
/// thread of Swift's pool; and the clients of pairs under faults. Ends with 0, or with a message and 1.
@main
struct Probe {
    static func main() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "probe-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        do {
            let arguments = Array(CommandLine.arguments.dropFirst(2))
            switch CommandLine.arguments.dropFirst().first {
            case "starts-and-stops": try await Leaks(folder: folder).startsAndStops()
            case "never-run": try await Leaks(folder: folder).starsThatNeverRun()
            case "blocking-handlers": try await BlockingHandlers(folder: folder).run()
            case "lease": try LeaseTime.measure()
            case "load" where arguments.count == 5:
                try await Load(
                    primary: arguments[0], backup: arguments[1], period: milliseconds(arguments[2]),
                    duration: milliseconds(arguments[3]), records: arguments[4]
                ).run()
            case "votes" where arguments.count == 4:
                try Votes(
                    seat: arguments[0], endpoint: arguments[1], duration: milliseconds(arguments[2]),
                    records: arguments[3]
                ).run()
            case "counter" where arguments.count == 6:
                try await CounterServer(
                    seat: Seat(rawValue: arguments[0]) ?? .primary, frontend: arguments[1], listen: arguments[2],
                    connect: arguments[3], store: arguments[4], roles: arguments[5]
                ).run()
            case "crowd" where arguments.count == 3:
                try Crowd(
                    port: UInt16(arguments[0]) ?? 0, count: Int(arguments[1]) ?? 0, server: arguments[2]
                ).run()
            case "memory-of-failovers" where arguments.count == 1:
                try await MemoryOfFailovers(folder: folder, count: Int(arguments[0]) ?? 0).run()
            case "serve-inline" where arguments.count == 2:
                try await InlineServer(
                    frontend: arguments[0], folder: folder, duration: milliseconds(arguments[1])
                ).run()
            case "memory-of-requests" where arguments.count == 1:
                try await MemoryOfRequests(folder: folder, count: Int(arguments[0]) ?? 1).run()
            default: throw Failed("which probe?")
            }
        } catch {
            print("failed: \(error)")
            try? FileManager.default.removeItem(at: folder)
            exit(1)
        }
    }
}

private func milliseconds(_ argument: String) throws -> Duration {
    guard let number = Int(argument) else { throw Failed("\(argument) is no number of milliseconds") }
    return .milliseconds(number)
}

struct Failed: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

func require(_ condition: Bool, _ message: @autoclosure () -> String) throws {
    if !condition { throw Failed(message()) }
}

extension URL {
    func ipc(_ name: String) -> String { "ipc://" + appending(path: name).path }
}
