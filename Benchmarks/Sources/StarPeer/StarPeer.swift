import Foundation

/// Servers of ours in which heartbeats can be watched, for the runner. Not the tool: it has no business to watch them.
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
        default:
            print(
                """
                StarPeer star primary|backup FRONTEND LISTEN CONNECT inline|default|blocking FILE INTERVAL_MS
                StarPeer pairs COUNT SECONDS FOLDER
                """)
            exit(64)
        }
    }
}
