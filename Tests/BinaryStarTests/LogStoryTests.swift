import BinaryStarCore
import Logging
import Synchronization
import TestSupport
import Testing
import ZeroMQ

@testable import BinaryStar

/// Keeps what is logged, for everyone to whom it is handed.
private struct KeepingLogHandler: LogHandler {
    let keep: @Sendable (LogEvent) -> Void
    var logLevel = Logger.Level.info
    var metadata: Logger.Metadata = [:]

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) { keep(event) }
}

/// At `info` an outage reads as a short story with numbers.
@Suite(.timeLimit(.minutes(1))) struct LogStoryTests {
    private let endpoints = PairEndpoints()

    @Test("The log tells of the peer's silence and of its return, before what follows from them")
    func outage() async throws {
        let (events, continuation) = AsyncStream.makeStream(of: LogEvent.self)
        let logger = Logger(label: "test") { _ in KeepingLogHandler { continuation.yield($0) } }
        let star = try BinaryStar(configuration: endpoints.configuration(.backup), logger: logger)
        let voter = try await star.addVoter(.router, bind: endpoints.folder.ipc("voter")) { $0.body }
        let peer = try endpoints.peer(of: .backup)
        let client = try RawClient(voter)
        try await running(star) {
            var story = events.makeAsyncIterator()
            try await tells("the peer has not been heard since the start", .warning, &story)
            peer.beat(.active)
            try await tells("the peer is heard", .info, &story)
            try await tells("role changed: backup → passive", .info, &story)
            peer.fallSilent()
            let silent = try await tells("the peer is silent", .warning, &story)
            #expect(silent.metadata?[LogKey.silence].map { "\($0)" }?.hasSuffix("s") == true)
            client.socket.beat(Message(frames: ["", "vote"].map(\.utf8)), every: 20)
            let change = try await tells("role changed: passive → active", .info, &story)
            #expect(change.metadata?[LogKey.silence] != nil)
            client.socket.beat(nil)
            peer.beat(.passive)
            let back = try await tells("the peer is heard again", .info, &story)
            #expect(back.metadata?[LogKey.peerRole].map { "\($0)" } == "passive")
        }
        await client.socket.close()
        await peer.close()
    }

    @Test("One of two links that fails is told, though the peer is heard; and that it is back")
    func oneOfTwoLinks() async throws {
        let (events, continuation) = AsyncStream.makeStream(of: LogEvent.self)
        let logger = Logger(label: "test") { _ in KeepingLogHandler { continuation.yield($0) } }
        var configuration = endpoints.configuration(.backup)
        let second = endpoints.folder.ipc("second")
        configuration.furtherConnect = [second]
        let star = try BinaryStar(configuration: configuration, logger: logger)
        let peer = try endpoints.peer(of: .backup)
        peer.beat(.active)
        try await running(star) {
            var story = events.makeAsyncIterator()
            try await tells("the peer is heard", .info, &story)
            try await tells("role changed: backup → passive", .info, &story)
            // It was never heard, too.
            for _ in 0..<2 {
                let missed = try await tells("a link to the peer brings nothing; another one does", .warning, &story)
                #expect(missed.metadata?[LogKey.connect] == "\(second)")
                let publisher = try RawSocket(.pub, bind: second)
                publisher.beat(Message("\(Role.active.rawValue)"))
                let back = try await tells("the link to the peer brings heartbeats again", .info, &story)
                #expect(back.metadata?[LogKey.connect] == "\(second)")
                await publisher.close()
            }
        }
        await peer.close()
    }

    @Test("A link on which all answers are too slow for long is warned of, and not before")
    func slowLink() async throws {
        let (lines, continuation) = AsyncStream.makeStream(of: LogEvent.self)
        let logger = Logger(label: "test") { _ in KeepingLogHandler { continuation.yield($0) } }
        let star = try BinaryStar(configuration: endpoints.configuration(.backup), logger: logger)
        let peer = try endpoints.peer(of: .backup)
        try await running(star) {
            let incarnation = await star.member.incarnation
            // It is as if what the star says took longer and longer.
            let talking = Task {
                for sequence in 1... {
                    let news = HeartbeatExtension(
                        pairName: "", seat: .primary, incarnation: 9, sequence: UInt64(sequence), term: 2,
                        timing: .quick,
                        echo: .init(incarnation: incarnation, sequence: 1, age: .zero))
                    peer.publisher.send(Message(frames: Heartbeat(role: .active, extension: news).frames))
                    try await Task.sleep(for: .milliseconds(20))
                }
            }
            defer { talking.cancel() }
            var story = lines.makeAsyncIterator()
            var warning: LogEvent?
            while warning == nil, let line = await story.next(isolation: nil) {
                if "\(line.message)".hasPrefix("the round trip to the peer is too long") { warning = line }
            }
            // Since the first heartbeat, which alone is echoed: over a lease of 210 ms, and then for two timeouts of 400.
            let text = "\(try #require(warning?.metadata?[LogKey.roundTrip]))"
            #expect(try #require(Double(text.prefix { $0 != " " })) >= 1.01)
        }
        await peer.close()
    }

    /// Goes on to the line, and sees that none of the story is left out or comes twice.
    @discardableResult
    private func tells(
        _ message: String, _ level: Logger.Level, _ story: inout AsyncStream<LogEvent>.Iterator
    ) async throws -> LogEvent {
        while let event = await story.next(isolation: nil) {
            let text = "\(event.message)"
            guard text.contains("the peer") || text.hasPrefix("role changed") else { continue }
            try #require(text == message)
            #expect(event.level == level)
            return event
        }
        throw DeadlineExceeded(what: message)
    }

    @Test(arguments: [
        (Duration.microseconds(420), "0.42 ms"), (.milliseconds(9), "9.00 ms"), (.milliseconds(252), "252 ms"),
        (.milliseconds(1_382), "1.38 s"), (.seconds(90), "90.00 s"),
    ])
    func durationsAreRounded(_ duration: Duration, _ text: String) { #expect(duration.logged == text) }
}
