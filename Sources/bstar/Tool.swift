import BinaryStar
import Logging
import ServiceLifecycle
import UnixSignals
@main struct Tool {
    static func main() async throws {
let ep = CommandLine.arguments[1]
let inline = CommandLine.arguments.count > 2 && CommandLine.arguments[2] == "inline"
LoggingSystem.bootstrap(StreamLogHandler.standardError)
let logger = Logger(label: "bstar")
let star = try BinaryStar(configuration: .init(seat: .primary, listen: "ipc:///tmp/bsa", connect: "ipc:///tmp/bsb", timing: .init(interval: .milliseconds(20), timeout: .milliseconds(40))), logger: logger)
if inline {
try await star.addVoter(.router, bind: ep, inline: { $0.body })
} else {
try await star.addVoter(.router, bind: ep) { $0.body }
}
try await ServiceGroup(services: [star], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger).run()
print(await star.statistics)
}
}
