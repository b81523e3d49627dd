import CProcess

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// What a supervisor that was killed leaves behind.
enum Orphans {
    /// Makes them children of this process. Linux only.
    static func adopt() { cprocess_adopt_orphans() }

    /// Kills all children of this process, and returns when none is left. A killed one may have started others meanwhile.
    static func end() async {
        // Not in the caller's task, which may have been cancelled: this one waits.
        await Task {
            while true {
                cprocess_signal_children(SIGKILL)
                var (child, code): (pid_t, Int32) = (0, 0)
                repeat { child = cprocess_reap(&code) } while child > 0
                if child < 0 { return }
                try? await Task.sleep(for: .milliseconds(5))
            }
        }.value
    }
}
