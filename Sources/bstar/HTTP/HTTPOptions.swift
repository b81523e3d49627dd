import ArgumentParser
import BinaryStar
import BinaryStarConfig
import BinaryStarHTTP
import Configuration
import CoreMetrics
import Logging

/// Where a server that a command runs tells by HTTP how it does.
struct HTTPOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            """
            Answer load balancers, Prometheus and browsers at this address of this machine, such as 0.0.0.0:8080; a \
            port alone is one that only this machine reaches. It tells, and changes nothing: /active, /passive, \
            /health, /ready, /status, /history, /metrics, and a page at /.
            """, valueName: "[host:]port"))
    var http: String?

    @Option(
        help: ArgumentHelp(
            """
            Where the peer answers by HTTP, such as http://other:8080, so that the page and /status show both servers.
            """, valueName: "url"))
    var httpPeer: String?

    static let configKeys = ["http", "httpPeer"]

    /// Takes from the environment and the file what the command line leaves open, and checks the whole.
    mutating func fill(from values: ConfigValues) throws {
        http = try http ?? values.text("http")
        httpPeer = try httpPeer ?? values.text("httpPeer")
        guard http != nil || httpPeer == nil else { throw ValidationError("--http-peer is for --http: give that too") }
    }

    /// What the star's metrics are kept in; `nil` without `--http`.
    func makeMetrics() -> PrometheusMetrics? { http == nil ? nil : PrometheusMetrics() }

    /// Opens the port that is asked for, and says where it is.
    func listen(for star: BinaryStar, metrics: PrometheusMetrics?, logger: Logger) async throws -> StatusServer? {
        guard let http else { return nil }
        let configuration = try StatusServerConfiguration(address: http, peer: httpPeer)
        let server = try StatusServer(of: star, configuration: configuration, metrics: metrics, logger: logger)
        let address = try await server.listen()
        Console.print("\(star.configuration.seat): status at http://\(address)/")
        return server
    }
}

extension PrometheusMetrics? {
    /// Otherwise the backend of the process, which is none.
    var factory: any MetricsFactory { self ?? MetricsSystem.factory }
}
