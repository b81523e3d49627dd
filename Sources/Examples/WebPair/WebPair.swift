import BinaryStar
import BinaryStarHTTP
import Logging
import ServiceLifecycle
import UnixSignals

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Two web services of which one serves, behind a load balancer that asks `/active`. HAProxy's part of it is in the
/// article "HTTP: health checks, metrics and a page".
///
/// `WebPair primary` and `WebPair backup` on one machine: the web is at 8001 and 8002, the status at 9001 and 9002.
/// With a folder behind the seat, the state and the control sockets are in it, and the system chooses the ports; that
/// of the web may follow.
@main
struct WebPair {
    static func main() async throws {
        let arguments = CommandLine.arguments.dropFirst()
        guard let seat = arguments.first.flatMap(Seat.init(rawValue:)) else {
            return print("usage: WebPair primary|backup [FOLDER [PORT]]")
        }
        let isPrimary = seat == .primary
        let folder = arguments.dropFirst().first
        let port = arguments.dropFirst(2).first.flatMap(UInt16.init)
        let logger = Logger(label: "web")
        var configuration = BinaryStarConfiguration(
            seat: seat,
            listen: folder.map { "ipc://\($0)/state-\(seat)" } ?? "tcp://127.0.0.1:\(isPrimary ? 5003 : 5004)",
            connect: folder.map { "ipc://\($0)/state-\(isPrimary ? "backup" : "primary")" }
                ?? "tcp://127.0.0.1:\(isPrimary ? 5004 : 5003)")
        configuration.control = folder.map { "ipc://\($0)/control-\(seat)" }

        let metrics = PrometheusMetrics()
        let star = try BinaryStar(configuration: configuration, metrics: metrics, logger: logger)
        let status = try StatusServer(
            of: star, configuration: .init(port: folder != nil ? 0 : isPrimary ? 9001 : 9002), metrics: metrics)
        let web = try await Web(star: star, port: port ?? (folder != nil ? 0 : isPrimary ? 8001 : 8002))
        Line.print("\(seat): status at http://\(try await status.listen())/")

        // A group stops from the last to the first: the star hands over while the web still says that it does not serve
        // any more. The web's trouble ends them all, in order, so that the other server takes over; that of the status
        // does not.
        let group = ServiceGroup(
            configuration: .init(
                services: [
                    .init(service: status, failureTerminationBehavior: .ignore),
                    .init(service: web, failureTerminationBehavior: .gracefullyShutdownGroup),
                    .init(service: star), .init(service: Votes(star: star)),
                ],
                gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
        do { try await group.run() } catch {
            Line.print("\(seat): \(error)")
            exit(1)
        }
    }
}

/// Asks for service once an interval, since the load balancer sends no request to a server that is not active.
///
/// The peer's silence is enough for a failover then: while the network between the two servers is cut, both are active.
struct Votes: Service {
    let star: BinaryStar

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                await star.vote()
                try? await Task.sleep(for: star.configuration.timing.interval)
            }
        }
    }
}
