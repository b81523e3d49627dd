import Subprocess
import SystemPackage

extension Executable {
    /// This very tool.
    static var bstar: Executable {
        #if os(Linux)
        .path("/proc/self/exe")
        #else
        CommandLine.arguments[0].contains("/")
            ? .path(FilePath(CommandLine.arguments[0])) : .name(CommandLine.arguments[0])
        #endif
    }
}
