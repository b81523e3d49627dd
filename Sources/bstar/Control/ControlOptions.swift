import ArgumentParser
import BinaryStar
import BinaryStarCore

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Which servers a command is about.
struct ControlOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            """
            The control socket of a server; twice for both. (default: those of both servers of the pair on this \
            machine)
            """, valueName: "path"))
    var control: [String] = []

    @Option(help: ArgumentHelp("The pair's name, if it has one: finds its control sockets.", valueName: "name"))
    var pairName = ""

    /// Where to ask.
    ///
    /// - Throws: if nothing is there to be asked.
    func endpoints(in paths: ControlPaths = .current) throws -> [String] {
        guard control.isEmpty else { return control.map(ControlPaths.endpoint) }
        let found = Seat.allCases.compactMap { seat in
            paths.paths(pair: pairName, seat: seat).first { access($0, F_OK) == 0 }
        }
        guard !found.isEmpty else {
            let looked = Seat.allCases.map { ControlPaths.fileName(pair: pairName, seat: $0) }.joined(separator: ", ")
            throw ControlFailure(
                """
                no server\(pairName.isEmpty ? "" : " of the pair \"\(pairName)\"") has its control socket here: \
                looked for \(looked) in \(paths.folders.joined(separator: ", ")). Start one with bstar serve; or name \
                its socket with --control, or its pair with --pair-name.
                """)
        }
        return found.map { "ipc://\($0)" }
    }
}

/// What a control command could not do.
struct ControlFailure: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}

/// The servers that a command talks to.
struct ControlledServers: Sendable {
    let clients: [ControlClient]

    init(_ options: ControlOptions) throws {
        clients = try options.endpoints().map { try ControlClient($0) }
    }

    /// Asks all of them at the same time.
    func ask<Value: Sendable>(
        _ question: @escaping @Sendable (ControlClient) async throws -> Value
    ) async throws -> [(client: ControlClient, answer: Result<Value, ControlError>)] {
        let answers = try await withThrowingTaskGroup(of: (Int, Result<Value, ControlError>).self) { group in
            for (index, client) in clients.enumerated() {
                group.addTask {
                    do { return (index, .success(try await question(client))) } catch let error as ControlError {
                        return (index, .failure(error))
                    }
                }
            }
            var answers: [Int: Result<Value, ControlError>] = [:]
            for try await (index, answer) in group { answers[index] = answer }
            return answers
        }
        return clients.indices.compactMap { index in answers[index].map { (clients[index], $0) } }
    }

    /// What each of them says of itself.
    func view() async throws -> PairView {
        PairView(
            try await ask { try await $0.status() }.map { ServerView(control: $0.client.endpoint, answer: $0.answer) })
    }

    func close() async {
        for client in clients { await client.close() }
    }
}
