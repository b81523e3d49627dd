#if os(Linux)
import Foundation

/// What the kernel says about this process.
enum ProcessFigures {
    static var threadCount: Int { list("/proc/self/task").count }

    static var descriptorCount: Int { list("/proc/self/fd").count }

    /// The memory in use, in bytes.
    static var residentBytes: Int {
        let fields = text("/proc/self/statm").split(separator: " ")
        return (fields.count > 1 ? Int(fields[1]) ?? 0 : 0) * 4_096
    }

    /// How many threads have this name.
    static func threads(named name: String) -> Int {
        list("/proc/self/task").filter { text("/proc/self/task/\($0)/comm") == name + "\n" }.count
    }

    private static func list(_ path: String) -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    }

    private static func text(_ path: String) -> String {
        FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
}
#endif
