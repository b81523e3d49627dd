import BinaryStarCore
import TestSupport
import Testing
import ZeroMQ

@testable import BinaryStar

/// Streams beside the requests follow the server that the requests go to.
@Suite(.serialized, .timeLimit(.minutes(2))) struct ClientStreamTests {
    private let endpoints = PairEndpoints()

    private func endpoint(_ name: String, of seat: Seat) -> String { endpoints.folder.ipc("\(name)-\(seat)") }

    private func star(_ seat: Seat) async throws -> BinaryStar {
        let star = try endpoints.star(seat, timing: .patient)
        try await star.addVoter(.router, bind: endpoint("voter", of: seat)) { _ in Message("\(seat)") }
        return star
    }

    private func client() throws -> BinaryStarClient {
        try BinaryStarClient(
            configuration: .init(primary: endpoint("voter", of: .primary), backup: endpoint("voter", of: .backup)))
    }

    /// Publishes the star's seat again and again until cancelled.
    private func publishing(on star: BinaryStar, _ seat: Seat) async throws -> Task<Void, any Error> {
        let channel = try await star.open(.pub, bind: endpoint("news", of: seat))
        return Task {
            for number in 0... {
                try await channel.send(Message(frames: ["\(seat)", "\(number)"].map(\.utf8)))
                try await Task.sleep(for: .milliseconds(1))
            }
        }
    }

    @Test("A subscription gives what the followed server publishes, also when both publish, and turns with the client")
    func subscription() async throws {
        let (primary, backup) = (try await star(.primary), try await star(.backup))
        let client = try client()
        try await running(backup) {
            let run = Task { try await primary.run() }
            try await primary.becomes(.active)
            try await backup.becomes(.passive)
            let publishers = [
                try await publishing(on: primary, .primary), try await publishing(on: backup, .backup),
            ]
            #expect(try await client.request("who?").server == .primary)
            let news = try await client.subscribe(
                primary: endpoint("news", of: .primary), backup: endpoint("news", of: .backup))
            let reader = news.makeAsyncIterator()
            for _ in 0..<50 { #expect(await reader.next()?.text == "primary") }
            try await primary.stepDown()
            #expect(try await client.request("who?").server == .backup)
            // What was received before the client turned is in the buffer still.
            var last = "primary"
            for _ in 0..<200 {
                let next = await reader.next()?.text ?? ""
                #expect(!(last == "backup" && next == "primary"), "it went back")
                last = next
            }
            #expect(last == "backup")
            await client.close()
            for publisher in publishers { publisher.cancel() }
            run.cancel()
            try await run.value
        }
    }

    @Test("A subscription ends when the client is closed, and none begins")
    func subscriptionOfAClosedClient() async throws {
        let client = try client()
        let (first, second) = (endpoint("news", of: .primary), endpoint("news", of: .backup))
        let news = try await client.subscribe(primary: first, backup: second)
        let reader = Task {
            var count = 0
            for await _ in news { count += 1 }
            return count
        }
        await client.close()
        #expect(await reader.value == 0)
        await #expect(throws: BinaryStarClientError.self) {
            _ = try await client.subscribe(primary: first, backup: second)
        }
        await #expect(throws: BinaryStarClientError.self) {
            _ = try await client.openSender(primary: first, backup: second)
        }
    }

    @Test("One-way messages go to the PULL voter of the followed server, and turn with the client")
    func oneWay() async throws {
        let (primary, backup) = (try await star(.primary), try await star(.backup))
        let (arrivals, continuation) = AsyncStream.makeStream(of: String.self)
        for (star, seat) in [(primary, Seat.primary), (backup, .backup)] {
            try await star.addInlineVoter(.pull, bind: endpoint("events", of: seat)) { request in
                continuation.yield("\(seat): \(request.text ?? "")")
                return nil
            }
        }
        let client = try client()
        try await running(backup) {
            let run = Task { try await primary.run() }
            try await primary.becomes(.active)
            try await backup.becomes(.passive)
            let sender = try await client.openSender(
                primary: endpoint("events", of: .primary), backup: endpoint("events", of: .backup))
            #expect(try await client.request("who?").server == .primary)
            var arrived = arrivals.makeAsyncIterator()
            for number in 0..<100 { try await sender.send(Message("\(number)")) }
            for number in 0..<100 { #expect(await arrived.next() == "primary: \(number)") }
            try await primary.stepDown()
            #expect(try await client.request("who?").server == .backup)
            try await sender.send("last")
            #expect(await arrived.next() == "backup: last")
            run.cancel()
            try await run.value
        }
    }

    @Test("A message waits while there is nobody to send to, and can be given up")
    func waitingOneWayMessage() async throws {
        // The client follows the server that it reaches.
        let voter = try RawSocket(.router, bind: endpoint("voter", of: .primary))
        let client = try client()
        let sender = try await client.openSender(
            primary: endpoint("events", of: .primary), backup: endpoint("events", of: .backup))
        let givenUp = Task { try await sender.send("given up") }
        let waiting = Task { try await sender.send("waits") }
        givenUp.cancel()
        await #expect(throws: CancellationError.self) { try await givenUp.value }
        let late = try RawSocket(.pull, bind: endpoint("events", of: .primary))
        try await waiting.value
        #expect(try await late.next().text == "waits")
        await late.close()
        await voter.close()
        let failed = Task { try await sender.send("never") }
        await client.close()
        _ = await failed.result
    }
}
