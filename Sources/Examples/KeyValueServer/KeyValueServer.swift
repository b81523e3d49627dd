import BinaryStar
import Logging

/// A key-value server on a pair: the state is an actor, and the handlers run off the star's thread.
///
/// The pattern leaves the state of the service to the service. Here the active server publishes each change on a channel,
/// and the passive one applies it. That is the least that makes a failover keep the values; a server that joins later, or
/// misses a message, does not get the changes before. A real service would also fetch a snapshot.
@main
struct KeyValueServer {
    static func main() async throws {
        guard let seat = CommandLine.arguments.dropFirst().first.flatMap(Seat.init(rawValue:)) else {
            return print("usage: KeyValueServer primary|backup")
        }
        let isPrimary = seat == .primary
        let star = try BinaryStar(
            configuration: .init(
                seat: seat,
                listen: "tcp://127.0.0.1:\(isPrimary ? 5003 : 5004)",
                connect: "tcp://127.0.0.1:\(isPrimary ? 5004 : 5003)"),
            logger: Logger(label: "key-value"))
        let store = Store()
        let changes = try await star.open(.pub, bind: "tcp://127.0.0.1:\(isPrimary ? 5005 : 5006)")
        let peerChanges = try await star.open(.sub(), connect: "tcp://127.0.0.1:\(isPrimary ? 5006 : 5005)")

        // One request at a time, so that the passive server gets the changes in the order in which they were made.
        try await star.addVoter(.rep, bind: "tcp://127.0.0.1:\(isPrimary ? 5001 : 5002)") { request in
            guard let command = request.text else { return "error: a command is UTF-8 text" }
            let (answer, isChange) = await store.perform(command)
            if isChange { try await changes.send(request.body) }
            return Message(answer)
        }

        async let running: Void = star.run()
        // Ends when the star has stopped.
        for await change in peerChanges {
            if let command = change.text { _ = await store.perform(command) }
        }
        try await running
    }
}
