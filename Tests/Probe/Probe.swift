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
