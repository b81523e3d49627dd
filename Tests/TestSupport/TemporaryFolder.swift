import Foundation

/// A folder for Unix sockets and files that is removed at the end of its life.
package final class TemporaryFolder: Sendable {
    package let path: String

    package init() {
        // Short, because the path of a Unix socket is.
        path = NSTemporaryDirectory() + "bs-" + UUID().uuidString.prefix(13)
        try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    package func ipc(_ name: String = "socket") -> String { "ipc://\(path)/\(name)" }
}
