import BinaryStar
import Logging

/// One server of a pair that answers each request with the request. Start it twice, as `primary` and as `backup`.
@main
struct EchoPair {
    static func main() async throws {
        guard let seat = CommandLine.arguments.dropFirst().first.flatMap(Seat.init(rawValue:)) else {
            return print("usage: EchoPair primary|backup")
        }
        let isPrimary = seat == .primary
        let star = try BinaryStar(
            configuration: .init(
                seat: seat,
                listen: "tcp://127.0.0.1:\(isPrimary ? 5003 : 5004)",
                connect: "tcp://127.0.0.1:\(isPrimary ? 5004 : 5003)"),
            logger: Logger(label: "echo"))
        try await star.addVoter(.router, bind: "tcp://127.0.0.1:\(isPrimary ? 5001 : 5002)") { request in request.body }
        try await star.run()
    }
}
