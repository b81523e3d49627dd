import BinaryStar
import BinaryStarCore

/// What the other server of the pair says of itself, asked over HTTP when somebody wants to know, and no more often than that makes
/// sense, however many ask.
///
/// The server asks, and not the browser: so the page needs to reach one server only, and no page of anybody else's
/// may read the status of either.
actor PeerView {
    /// The query with which one server asks the other, so that this one does not ask back.
    static let ownOnly = "only=own"

    /// Young enough to be told as it is.
    private static let fresh = Duration.milliseconds(400)
    /// Young enough to be told while a new one is asked for.
    private static let usable = Duration.seconds(3)

    struct Answer: Sendable {
        /// Where it was asked, when, and what it said or why not.
        var status: JSON
        /// The latest that it told, also if it does not answer any more.
        var records: [JSON]
    }

    private let url: PeerURL
    private let patience: Duration
    private let fetch: @Sendable (PeerURL, String) async throws -> JSON
    private var latest: (server: Result<JSON, any Error>, at: MonotonicTime)?
    private var records: [JSON] = []
    private var lastAnswer: MonotonicTime?
    private var flight: Task<Void, Never>?

    /// - Parameter patience: how long an answer may take.
    init(
        of url: PeerURL, patience: Duration = .seconds(1),
        fetch: @escaping @Sendable (PeerURL, String) async throws -> JSON
    ) {
        self.url = url
        self.patience = patience
        self.fetch = fetch
    }

    func answer() async -> Answer {
        let age = latest.map { .now - $0.at } ?? .seconds(3_600)
        if age > Self.fresh {
            let flight = flight ?? Task { await ask() }
            self.flight = flight
            if age > Self.usable { _ = await StatusSource.inTime(patience) { await flight.value } }
        }
        return Answer(status: status, records: records)
    }

    private func ask() async {
        let server: Result<JSON, any Error>
        do {
            let answer = try await fetch(url, "/status?\(Self.ownOnly)")
            guard let status = answer["server"] else { throw PeerFetch.Failure("what it answers is no status") }
            server = .success(status)
            lastAnswer = .now
            if case .array(let values)? = try? await fetch(url, "/history?\(Self.ownOnly)")["records"] {
                records = values
            }
        } catch {
            server = .failure(error)
        }
        latest = (server, .now)
        flight = nil
    }

    private var status: JSON {
        var members = [JSON.Member("url", .string(url.text))]
        if let lastAnswer {
            let age = (MonotonicTime.now - lastAnswer) / .seconds(1)
            members.append(.init("answered", .number("\(age)")))
        }
        switch latest?.server {
        case .success(let status)?: members.append(.init("server", status))
        case .failure(let error)?: members.append(.init("error", .string("\(error)")))
        case nil: members.append(.init("error", .string("no answer yet")))
        }
        return .object(members)
    }
}
