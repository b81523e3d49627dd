import BinaryStar
import Logging
import ServiceLifecycle
import UnixSignals

/// A star and a service of the application in a `ServiceGroup`, which ends both on SIGTERM and SIGINT.
@main
struct ServiceGroupExample {
    static func main() async throws {
        guard let seat = CommandLine.arguments.dropFirst().first.flatMap(Seat.init(rawValue:)) else {
            return print("usage: ServiceGroupExample primary|backup")
        }
        let isPrimary = seat == .primary
        let logger = Logger(label: "group")
        let star = try BinaryStar(
            configuration: .init(
                seat: seat,
                listen: "tcp://127.0.0.1:\(isPrimary ? 5003 : 5004)",
                connect: "tcp://127.0.0.1:\(isPrimary ? 5004 : 5003)"),
            logger: logger)
        try await star.addVoter(.router, bind: "tcp://127.0.0.1:\(isPrimary ? 5001 : 5002)") { request in request.body }

        // A group shuts its services down from the last to the first: the report ends before the star that it follows.
        let group = ServiceGroup(
            services: [star, Report(star: star, logger: logger)],
            gracefulShutdownSignals: [.sigterm, .sigint],
            logger: logger)
        try await group.run()
        logger.info("stopped")
    }
}

/// Work that only the active server does: a line every second that says how many requests it has served.
struct Report: Service {
    let star: BinaryStar
    let logger: Logger

    func run() async throws {
        try await star.whileActive {
            // Returns when it is cancelled: by the loss of the active role, or by the shutdown.
            while !Task.isCancelled {
                let served = await star.statistics.requestsAdmitted
                logger.info("active", metadata: ["served": "\(served)"])
                try? await Task.sleep(for: .seconds(1))
            }
        }
    }
}
