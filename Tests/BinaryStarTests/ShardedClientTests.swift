import TestSupport
import Testing
import ZeroMQ

@testable import BinaryStar

@Suite(.serialized, .timeLimit(.minutes(2))) struct ShardedClientTests {
    /// A pair of which the primary runs, and says its own name.
    private struct Shard {
        let name: String
        let endpoints = PairEndpoints()
        let star: BinaryStar
        let configuration: BinaryStarClientConfiguration

        init(_ name: String) async throws {
            self.name = name
            star = try endpoints.star(.primary)
            let voter = try await star.addVoter(.router, bind: endpoints.folder.ipc("voter")) { _ in Message(name) }
            configuration = .init(primary: voter, backup: endpoints.folder.ipc("nobody"))
        }
    }

    @Test("A key goes to its pair, over one pump")
    func keys() async throws {
        let (north, south) = (try await Shard("north"), try await Shard("south"))
        let client = try ShardedClient(pairs: ["north": north.configuration, "south": south.configuration])
        #expect(client.pairs == ["north", "south"])
        #expect(client[pair: "north"]?.pump === client[pair: "south"]?.pump)
        try await running(north.star) {
            try await running(south.star) {
                var seen: Set<String> = []
                for number in 0..<20 {
                    let key = "customer-\(number)"
                    let reply = try await client.request("who?", for: key)
                    #expect(reply.text == (try client.pair(for: key)))
                    #expect(reply.text == RendezvousHash.pair(for: key, among: ["south", "north"]))
                    seen.insert(reply.text ?? "")
                }
                #expect(seen == ["north", "south"])
            }
        }
        await client.close()
        await #expect(throws: BinaryStarClientError.self) { try await client.request("who?", for: "key") }
    }

    @Test("The caller's own mapping is used, and must name a pair")
    func mapping() throws {
        let client = try ShardedClient(pairs: [
            "a": .init(primary: "tcp://127.0.0.1:1", backup: "tcp://127.0.0.1:2"),
            "b": .init(primary: "tcp://127.0.0.1:3", backup: "tcp://127.0.0.1:4"),
        ]) { key, pairs in key.isEmpty ? "nowhere" : pairs[key.utf8.count % pairs.count] }
        #expect(try client.pair(for: "xx") == "a")
        #expect(try client.pair(for: "x") == "b")
        let error = #expect(throws: BinaryStarClientError.self) { try client.pair(for: "") }
        #expect(error?.message.contains("nowhere") == true)
    }

    @Test func noPairs() {
        #expect(throws: BinaryStarError.self) { try ShardedClient(pairs: [:]) }
    }
}
