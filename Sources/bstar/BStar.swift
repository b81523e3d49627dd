import ArgumentParser
import BinaryStar

@main
struct BStar: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bstar",
        abstract: "Makes a service highly available on two machines, by ZeroMQ's Binary Star pattern.",
        discussion: """
            To see a failover on this machine: bstar demo

            EXIT CODES:
              0   stopped as asked, or everything that was asked for came about
              1   failed; the message says why
              2   both servers of the pair are active, or both passive
              64  wrong arguments
            """,
        version: BinaryStar.version,
        subcommands: [
            ServeCommand.self, GuardCommand.self, RequestCommand.self, DemoCommand.self, SuperviseCommand.self,
        ],
        groupedSubcommands: [
            CommandGroup(
                name: "Operation",
                subcommands: [
                    StatusCommand.self, HistoryCommand.self, CheckCommand.self, WatchCommand.self,
                    SwitchoverCommand.self,
                    PromoteCommand.self,
                    PauseCommand.self, ResumeCommand.self, DrainCommand.self,
                ])
        ]
    )
}
