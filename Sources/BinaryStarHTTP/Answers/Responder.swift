import BinaryStar
import BinaryStarCore
import CoreMetrics

/// Answers requests. It knows nothing of sockets, and changes nothing.
struct Responder: Sendable {
    var source: StatusSource
    var metrics: PrometheusMetrics?
    var peer: PeerView?

    /// The methods that each path has.
    static let methods = ["GET", "HEAD", "OPTIONS"]

    func answer(_ request: Request) async -> Response {
        guard let answer = handler(request) else {
            guard request.path == "*", request.method == "OPTIONS" else {
                return .text(.notFound, "there is nothing at this path; see / or /status")
            }
            return options(.noContent)
        }
        switch request.method {
        case "GET", "HEAD": return await answer()
        case "OPTIONS": return options(.noContent)
        default: return options(.methodNotAllowed)
        }
    }

    private func options(_ status: Response.Status) -> Response {
        let methods = Self.methods.joined(separator: ", ")
        var response = Response.text(status, "this path has \(methods); nothing here changes anything")
        response.fields.append(("Allow", methods))
        return response
    }

    private func handler(_ request: Request) -> (() async -> Response)? {
        switch request.path {
        case "/active": { active() }
        case "/passive": passive
        case "/health": health
        case "/ready": ready
        case "/status": { await status(ofBoth: request.query != PeerView.ownOnly) }
        case "/history": { await history(ofBoth: request.query != PeerView.ownOnly) }
        case "/metrics": metrics.map { metrics in { text(of: metrics) } }
        case "/": { .page(Page.html, "text/html") }
        case "/page.js": { .page(Page.script, "text/javascript") }
        case "/page.css": { .page(Page.style, "text/css") }
        default: nil
        }
    }

    // MARK: Checks

    private func active() -> Response {
        // By the lease alone: also while the star's thread does not answer, and in the instant in which the role is
        // about to change.
        let lease = source.lease()
        return lease.isValid
            ? .text(.ok, "active in term \(lease.term)") : .text(.unavailable, "not active: the lease is not valid")
    }

    private func passive() async -> Response {
        await check { report, isActive in
            let role = report.status.role
            return role == .passive && !isActive ? .success("passive") : .failure(.init("not passive: it is \(role)"))
        }
    }

    private func health() async -> Response {
        await check { report, _ in
            report.isFit
                ? .success("healthy") : .failure(.init("not healthy: the application says that it cannot serve"))
        }
    }

    /// It takes part if it serves, or would see that it has to.
    private func ready() async -> Response {
        await check { report, isActive in
            let status = report.status
            if status.isDrained { return .failure(.init("not ready: an operator has taken it out of service")) }
            if !report.isFit { return .failure(.init("not ready: the application says that it cannot serve")) }
            switch status.role {
            case .active:
                return isActive
                    ? .success("ready: active in term \(status.term)")
                    : .failure(.init("not ready: active, but the lease is not valid"))
            case .passive:
                if status.isPaused { return .failure(.init("not ready: automatic failover is paused")) }
                return status.peer?.isExpired == false
                    ? .success("ready: passive") : .failure(.init("not ready: passive, and the peer is not heard"))
            case .primary, .backup:
                return .failure(.init("not ready: waiting as \(status.role) for the peer or a client"))
            }
        }
    }

    private struct Reason: Error {
        var text: String
        init(_ text: String) { self.text = text }
    }

    private func check(_ decide: (StarReport, _ isActive: Bool) -> Result<String, Reason>) async -> Response {
        guard let report = await source.report() else { return .silent }
        guard report.status.uptime != nil else { return .text(.unavailable, "the star does not run") }
        switch decide(report, source.lease().isValid) {
        case .success(let text): return .text(.ok, text)
        case .failure(let reason): return .text(.unavailable, reason.text)
        }
    }

    // MARK: Metrics

    private func text(of metrics: PrometheusMetrics) -> Response {
        // As it is now: what the star's thread has told stays as it is while that hangs, and the lease ends by itself.
        let serving = metrics.makeMeter(label: StatusSource.servingMetric, dimensions: source.dimensions)
        serving.set(source.lease().isValid ? Int64(1) : 0)
        return Response(
            status: .ok, contentType: "text/plain; version=0.0.4; charset=utf-8", body: metrics.text)
    }

    // MARK: JSON

    private func status(ofBoth: Bool) async -> Response {
        let peer = ofBoth ? peer : nil
        if let peer {
            guard let status = await source.report()?.status else { return .silent }
            // Beside a role that this server has just taken, what its peer said before would be a contradiction.
            await peer.refresh(since: status.lastChange.map { .now + .seconds(-$0.age) })
        }
        guard let report = await source.report(), let own = try? JSON(encoding: report.status) else { return .silent }
        var members = [JSON.Member("version", .number("1")), JSON.Member("server", own)]
        if let other = await peer?.current { members.append(JSON.Member("peer", other.status)) }
        return .json(.object(members))
    }

    private func history(ofBoth: Bool) async -> Response {
        async let other = ofBoth ? peer?.answer() : nil
        guard let history = await source.history(), let own = try? JSON(encoding: history) else { return .silent }
        var records = own
        if let theirs = await other?.records, case .array(let values) = own {
            records = .array(values + theirs)
        }
        return .json(.object([JSON.Member("version", .number("1")), JSON.Member("records", records)]))
    }
}

extension Response {
    fileprivate static let silent = text(.unavailable, "the star's thread does not answer")

    fileprivate static func page(_ text: String, _ type: String) -> Response {
        var response = Response(status: .ok, contentType: "\(type); charset=utf-8", body: text)
        // Nothing from elsewhere, nothing in the page itself, and in nobody's frame.
        response.fields = [
            (
                "Content-Security-Policy",
                "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
                    + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
            ), ("Referrer-Policy", "no-referrer"),
        ]
        return response
    }
}
