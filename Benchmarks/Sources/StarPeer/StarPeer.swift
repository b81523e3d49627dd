import Foundation

/// Servers of ours in which heartbeats can be watched, and a client of ours as a load, for the runner. Not the tool: it has no
/// business to watch them, and keeps a rate.
@main
struct StarPeer {
    static func main() async throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        switch arguments.first {
        case "star" where arguments.count == 8: try await WatchedStar(Array(arguments.dropFirst())).run()
        case "pairs" where arguments.count == 4:
            try await IdlePairs(
                count: Int(arguments[1]) ?? 1, seconds: Double(arguments[2]) ?? 1, folder: arguments[3]
            ).run()
        case "client" where arguments.count == 6:
            try await ClientLoad(
                primary: arguments[1], backup: arguments[2], window: Int(arguments[3]) ?? 1,
                seconds: Double(arguments[4]) ?? 1, size: Int(arguments[5]) ?? 16
            ).run()
        default:
            print(
                """
                StarPeer star primary|backup FRONTEND LISTEN CONNECT inline|default|blocking FILE INTERVAL_MS
                StarPeer pairs COUNT SECONDS FOLDER
                StarPeer client PRIMARY BACKUP WINDOW SECONDS BYTES
                """)
            exit(64)
        }
    }
}
