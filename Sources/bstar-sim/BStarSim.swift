import ArgumentParser

/// Simulates and explores pairs of servers, and looks for broken rules.
@main
struct BStarSim: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bstar-sim",
        abstract: "Runs pairs of servers in virtual time, with faults, and checks the rules of safety.",
        discussion: "The exit code is 1 if a rule was broken.",
        subcommands: [SimulateCommand.self, ExploreCommand.self],
        defaultSubcommand: SimulateCommand.self)
}
