import Foundation

/// A folder for Unix sockets that is removed at the end of its life.
final class TemporaryFolder: Sendable {
    let path: String

    init() {
        // Short, because the path of a Unix socket is.
        path = NSTemporaryDirectory() + "bs-" + UUID().uuidString.prefix(13)
        try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    func ipc(_ name: String) -> String { "ipc://\(path)/\(name)" }
}
