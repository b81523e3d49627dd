import Testing

/// One after the other, because each measures what a busy machine disturbs.
@Suite(.enabled(if: Tool.canRun, Tool.reason), .serialized, .timeLimit(.minutes(4))) struct ProbeTests {
    #if os(Linux)
    @Test("1,000 starts and stops of a star leak no thread, descriptor or memory")
    func startsAndStops() async throws { try await probe("starts-and-stops") }

    @Test("A star that is let go without having run leaks no thread and no descriptor")
    func starsThatNeverRun() async throws { try await probe("never-run") }
    #endif

    @Test("Handlers that block a thread for ten seconds do not delay a heartbeat")
    func blockingHandlers() async throws { try await probe("blocking-handlers") }

    private func probe(_ name: String) async throws {
        let outcome = try await Tool.run([name], of: "Probe")
        #expect(outcome.exitCode == 0, "\(outcome.output)\(outcome.error)")
    }
}
