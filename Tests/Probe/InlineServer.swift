import BinaryStar
import Foundation

/// A server that is active at once, whose inline handler returns what it gets.
struct InlineServer {
    let frontend: String
    let folder: URL
    let duration: Duration

    func run() async throws {
        let star = try BinaryStar(
            configuration: .init(seat: .primary, listen: folder.ipc("listen"), connect: folder.ipc("nobody")))
        try await star.addInlineVoter(.router, bind: frontend, handler: { $0.body })
        let running = Task { try await star.run() }
        try await Task.sleep(for: duration)
        running.cancel()
        try await running.value
    }
}
