import Testing

extension Processes {
    /// One after the other, because each measures what a busy machine disturbs.
    @Suite(.timeLimit(.minutes(4))) struct ProbeTests {
        #if os(Linux)
        @Test("1,000 starts and stops of a star leak no thread, descriptor or memory")
        func startsAndStops() async throws { try await probe("starts-and-stops") }

        @Test("A star that is let go without having run leaks no thread and no descriptor")
        func starsThatNeverRun() async throws { try await probe("never-run") }

        @Test("60 failovers leave no memory behind, in the servers or the client")
        func memoryOfFailovers() async throws { try await probe("memory-of-failovers", "60") }

        @Test("A request in flight takes a KiB and its body at most, and one more where nothing is optimised")
        func memoryOfRequests() async throws { try await probe("memory-of-requests", "10000") }

        @Test("2,000 clients of one server, each with its own connection")
        func crowd() async throws {
            // Free again by the time that the server takes it.
            let endpoint = try #require(PortListener()?.endpoint)
            let server = try ToolProcess("Probe", ["serve-inline", endpoint, "60000"])
            let port = endpoint.split(separator: ":").last.map(String.init) ?? ""
            try await probe("crowd", port, "2000", "\(server.processIdentifier)")
        }
        #endif

        @Test("Handlers that block a thread for ten seconds do not delay a heartbeat")
        func blockingHandlers() async throws { try await probe("blocking-handlers") }

        private func probe(_ arguments: String...) async throws {
            let outcome = try await Tool.run(arguments, of: "Probe")
            #expect(outcome.exitCode == 0, "\(outcome.output)\(outcome.error)")
        }
    }
}
