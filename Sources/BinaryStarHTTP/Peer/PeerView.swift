import BinaryStar
import BinaryStarCore

/// What the other server of the pair says of itself, asked over HTTP when somebody wants to know, and no more often
/// than that makes sense, however many ask.
///
/// The server asks, and not the browser: so the page needs to reach one server only, and no page of anybody else's
/// may read the status of either.
actor PeerView {
    /// The query with which one server asks the other, so that this one does not ask back.
    static let ownOnly = "only=own"

    /// Young enough to be told as it is.
    private static let fresh = Duration.milliseconds(400)

    struct Answer: Sendable {
        /// Where it was asked, how long ago when it answered last, and what it said or why not.
        var status: JSON
        /// The latest that it told, also if it does not answer any more.
        var records: [JSON]
    }

    private let url: PeerURL
    private let usable: Duration
    private let patience: Duration
    private let fetch: @Sendable (_ path: String) async throws -> JSON
    /// With the time at which it was asked: what it told was so at that time or later.
    private var latest: (server: Result<JSON, any Error>, at: MonotonicTime)?
    private var records: [JSON] = []
    private var lastAnswer: MonotonicTime?
    private var flight: Task<Void, Never>?

    /// - Parameters:
    ///   - usable: how old an answer may be that is told while a new one is asked for.
    ///   - patience: how long an answer may take. By default so long that the reason of a `fetch` that fails is told.
    ///   - fetch: gives up in time by itself.
    init(
        of url: PeerURL, usable: Duration = .seconds(3), patience: Duration = PeerFetch.timeout * 2,
        fetch: @escaping @Sendable (_ path: String) async throws -> JSON
    ) {
        self.url = url
        self.usable = usable
        self.patience = patience
        self.fetch = fetch
    }

    /// What the peer says now, if it does in time, or else what it said last.
    func answer() async -> Answer {
        await refresh()
        return current
    }

    /// Asks if it is time to.
    ///
    /// - Parameter change: what the peer told before that is asked anew, if there is time for it.
    func refresh(since change: MonotonicTime? = nil) async {
        let deadline = MonotonicTime.now + patience
        if age > Self.fresh || isOlder(than: change) {
            let flight = begin()
            if age > usable || isOlder(than: change) { await wait(for: flight, until: deadline) }
            // That one may have begun before the change.
            if isOlder(than: change) { await wait(for: begin(), until: deadline) }
        }
    }

    /// What is known without asking.
    var current: Answer { Answer(status: status, records: records) }

    private var age: Duration { latest.map { .now - $0.at } ?? .seconds(3_600) }

    private func isOlder(than change: MonotonicTime?) -> Bool {
        guard let latest, let change else { return false }
        return latest.at < change
    }

    private func begin() -> Task<Void, Never> {
        let flight = flight ?? Task { await ask() }
        self.flight = flight
        return flight
    }

    private func wait(for flight: Task<Void, Never>, until deadline: MonotonicTime) async {
        _ = await SingleFlight { await flight.value }.value(within: deadline - .now)
    }

    private func ask() async {
        let time = MonotonicTime.now
        let server: Result<JSON, any Error>
        // At the same time, so that both together take no longer than one.
        async let history = try? fetch("/history?\(Self.ownOnly)")
        do {
            let answer = try await fetch("/status?\(Self.ownOnly)")
            guard let status = answer["server"] else { throw PeerFetch.Failure("what it answers is no status") }
            server = .success(status)
            if case .array(let values)? = await history?["records"] { records = values }
            lastAnswer = time
        } catch {
            server = .failure(error)
        }
        latest = (server, time)
        flight = nil
    }

    private var status: JSON {
        var members = [JSON.Member("url", .string(url.text))]
        let silence = lastAnswer.map { MonotonicTime.now - $0 }
        if let silence { members.append(.init("answered", .number("\(silence / .seconds(1))"))) }
        switch latest?.server {
        case .success(let status)? where age <= usable: members.append(.init("server", status))
        case .failure(let error)?: members.append(.init("error", .string("\(error)")))
        case .success?:
            // The peer was well when it was asked last, and takes longer now than anybody waits.
            let tenths = Int((silence ?? .zero) / .milliseconds(100))
            members.append(.init("error", .string("no answer for \(tenths / 10).\(tenths % 10) s")))
        case nil: members.append(.init("error", .string("no answer yet")))
        }
        return .object(members)
    }
}
