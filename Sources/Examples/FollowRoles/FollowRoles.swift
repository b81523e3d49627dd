import BinaryStar
import Logging

/// An application that follows its role, and switches its own work on and off with it.
///
/// The work here is to log a line every second, on the active server only. Any request to a server's voter is a vote:
/// it makes the passive server active once the other one is gone.
@main
struct FollowRoles {
    static func main() async throws {
        guard let seat = CommandLine.arguments.dropFirst().first.flatMap(Seat.init(rawValue:)) else {
            return print("usage: FollowRoles primary|backup")
        }
        let isPrimary = seat == .primary
        let logger = Logger(label: "follow")
        let star = try BinaryStar(
            configuration: .init(
                seat: seat,
                listen: "tcp://127.0.0.1:\(isPrimary ? 5003 : 5004)",
                connect: "tcp://127.0.0.1:\(isPrimary ? 5004 : 5003)"),
            logger: logger)
        try await star.addVoter(.router, bind: "tcp://127.0.0.1:\(isPrimary ? 5001 : 5002)") { _ in
            Message("the \(seat) works")
        }

        async let running: Void = star.run()
        var work: Task<Void, any Error>?
        for await role in star.roles {
            logger.info("role", metadata: ["role": "\(role)"])
            if role == .active {
                work = Task { try await logEverySecond(logger) }
            } else if let ending = work {
                // The old work has ended before the next role is looked at.
                ending.cancel()
                _ = await ending.result
                work = nil
            }
        }
        work?.cancel()
        try await running
    }

    private static func logEverySecond(_ logger: Logger) async throws {
        for count in 1... {
            logger.info("working", metadata: ["count": "\(count)"])
            try await Task.sleep(for: .seconds(1))
        }
    }
}
