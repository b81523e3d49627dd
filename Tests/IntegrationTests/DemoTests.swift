import Testing

extension Processes {
    @Suite struct DemoTests {
        @Test(.timeLimit(.minutes(2))) func everyStepOfTheDemoComesAbout() async throws {
            let outcome = try await Tool.run(["demo", "--interval", "100ms"])
            #expect(outcome.exitCode == 0, "\(outcome.output)\(outcome.error)")
            for step in [
                "they have found each other", "the primary replies", "ending the primary", "the backup has taken over",
                "it has come back passive, and the backup has stayed active", "ending the backup",
                "the primary has taken over",
                "Failover 1: from primary to backup", "Failover 2: from backup to primary",
            ] {
                #expect(outcome.output.contains(step), "\(step)")
            }
        }
    }
}
