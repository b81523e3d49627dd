import CProcess

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The children of this process.
enum Children {
    /// Whether orphans of a child can become this process's own: on Linux, and not on one that does not tell of children, where they
    /// could not be ended and would be waited for.
    static let canAdopt = all() != nil

    /// Has orphans of the children become children of this process, if they can.
    static func adoptOrphans() { if canAdopt { cprocess_adopt_orphans() } }

    /// All of them, or `nil` if the system does not tell: on macOS, or without `CONFIG_PROC_CHILDREN`.
    static func all() -> [pid_t]? {
        var children = [pid_t](repeating: 0, count: 64)
        while true {
            let count = Int(cprocess_children(&children, Int32(children.count)))
            guard count >= 0 else { return nil }
            if count < children.count { return Array(children.prefix(count)) }
            children = [pid_t](repeating: 0, count: 2 * count)
        }
    }

    /// Kills all, and returns when none is left. A killed one may have started others meanwhile.
    static func end() async {
        // Not in the caller's task, which may have been cancelled: this one waits.
        await Task {
            while true {
                for child in all() ?? [] { kill(child, SIGKILL) }
                var (child, code): (pid_t, Int32) = (0, 0)
                repeat { child = cprocess_reap(&code) } while child > 0
                if child < 0 { return }
                try? await Task.sleep(for: .milliseconds(5))
            }
        }.value
    }
}
