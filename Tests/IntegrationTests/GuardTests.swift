import Foundation
import Subprocess
import TestSupport
import Testing

extension Processes {
    /// `bstar guard` with programs that behave badly.
    @Suite(.timeLimit(.minutes(2))) struct GuardTests {
        private let folder = TemporaryFolder()

        private func arguments(_ seat: String, _ more: [String] = [], running script: String) -> [String] {
            let other = seat == "primary" ? "backup" : "primary"
            return [
                "guard", "--seat", seat, "--listen", folder.ipc("state-\(seat)"), "--connect",
                folder.ipc("state-\(other)"), "--interval", "100ms", "--timeout", "1s", "--control",
                folder.path + "/\(seat).sock",
            ] + more + ["--", "/bin/sh", "-c", script, "script", folder.path]
        }

        /// What the programs and hooks have written.
        private func lines() -> [String] {
            ((try? String(contentsOfFile: folder.path + "/log", encoding: .utf8)) ?? "")
                .split(separator: "\n").map(String.init)
        }

        /// Waits until the log has such lines.
        @discardableResult
        private func wait(_ what: String, until isThere: ([String]) -> Bool) async throws -> [String] {
            let deadline = ContinuousClock.now + .seconds(40)
            while ContinuousClock.now < deadline {
                let lines = lines()
                if isThere(lines) { return lines }
                try await Task.sleep(for: .milliseconds(10))
            }
            Issue.record("waited in vain: \(what); \(lines())")
            throw CancellationError()
        }

        #if os(Linux)
        /// Says who it is, starts what would outlive it, and does not end when it is asked to.
        private static let stubborn = """
            trap : TERM
            echo "start $BSTAR_SEAT $BSTAR_ROLE $BSTAR_TERM $$" >> "$1/log"
            setsid sh -c 'trap : TERM; echo "pid $$" >> "$1/log"; while :; do sleep 1; done' x "$1" &
            (sh -c 'echo "pid $$" >> "$1/log"; while :; do sleep 1; done' x "$1" &)
            while :; do sleep 0.1; done
            """

        /// The programs of the log that run.
        private func running() -> [String] {
            lines().compactMap { line in
                let words = line.split(separator: " ")
                guard words.first == "pid" || words.first == "start", let id = words.last else { return nil }
                let state = (try? String(contentsOfFile: "/proc/\(id)/stat", encoding: .utf8)) ?? ""
                let isAlive = !state.isEmpty && !state.contains(") Z ")
                return isAlive ? String(id) : nil
            }
        }

        @Test("The program has ended on one machine before the other one starts it, though it ignores SIGTERM")
        func handover() async throws {
            let hooks = [
                "--grace", "2s", "--on-active", "echo \"active $BSTAR_SEAT\" >> \(folder.path)/log",
                "--on-passive",
                "sleep 0.5; echo \"passive $BSTAR_SEAT $BSTAR_ROLE $BSTAR_TERM $BSTAR_CAUSE\" >> \(folder.path)/log",
            ]
            let primary = arguments("primary", hooks, running: Self.stubborn)
            let code = try await Tool.run(arguments("backup", hooks, running: Self.stubborn)) { output in
                let code = try await Tool.run(primary) { _, send in
                    let isThere = try await wait("the primary's program") { $0.count { $0.hasPrefix("pid") } == 2 }
                    #expect(isThere.first == "active primary")
                    for await line in output where line.contains("passive") { break }
                    #expect(running().count == 3)
                    send(.terminate)
                    try await wait("the backup's program") { $0.contains { $0.hasPrefix("start backup active") } }
                    // Nothing of the primary's is left by then.
                    let starts = lines().filter { $0.hasPrefix("start") }.map { $0.split(separator: " ") }
                    #expect(starts.count == 2)
                    #expect(try #require(UInt64(starts[0][3])) < #require(UInt64(starts[1][3])))
                    #expect(!running().contains(String(starts[0][4])))
                    // The hook has ended before, and knows the term that is over.
                    let events = lines().filter { !$0.hasPrefix("pid") }
                    #expect(
                        events.dropFirst(2).first == "passive primary passive \(starts[0][3]) step down", "\(events)")
                }
                #expect(code == 0)
                try await wait("the backup's children") { $0.count { $0.hasPrefix("pid") } == 4 }
                #expect(running().count == 3)
            }
            #expect(code == 0)
            #expect(running() == [])
            // Nobody was there to hand over to.
            #expect(lines().last?.hasSuffix(" stopped") == true, "\(lines())")
        }

        /// Waits until none of the programs of the log runs.
        private func waitUntilNothingRuns() async throws {
            let deadline = ContinuousClock.now + .seconds(20)
            while !running().isEmpty, ContinuousClock.now < deadline {
                try await Task.sleep(for: .milliseconds(10))
            }
            #expect(running() == [])
        }

        @Test("Nothing is left of a program when bstar guard is killed, which does not wait for the grace")
        func aGuardThatIsKilled() async throws {
            let code = try await Tool.run(arguments("primary", ["--grace", "90s"], running: Self.stubborn)) {
                _, send in
                try await wait("the program") { $0.count { $0.hasPrefix("pid") } == 2 }
                #expect(running().count == 3)
                send(.kill)
                try await waitUntilNothingRuns()
            }
            #expect(code == nil)
        }

        @Test("A guard that is stopped loses its program before the other machine starts its own")
        func aGuardThatIsStopped() async throws {
            let primary = arguments("primary", ["--grace", "90s"], running: Self.stubborn)
            let code = try await Tool.run(arguments("backup", ["--grace", "1s"], running: Self.stubborn)) { output in
                let code = try await Tool.run(primary) { messages, send in
                    try await wait("the primary's program") { $0.count { $0.hasPrefix("pid") } == 2 }
                    for await line in output where line.contains("passive") { break }
                    let programs = running()
                    #expect(programs.count == 3)
                    send(.suspend)
                    try await wait("the backup's program") { $0.contains { $0.hasPrefix("start backup active") } }
                    #expect(Set(running()).isDisjoint(with: programs))
                    send(.resume)
                    for await line in messages where line.contains("passive") { break }
                    #expect(lines().count { $0.hasPrefix("start primary") } == 1)
                    send(.terminate)
                }
                #expect(code == 0)
            }
            #expect(code == 0)
        }

        @Test(
            "A guard that was stopped with nobody to take over starts its program again in the new term, and counts no exit"
        )
        func aGuardThatIsStoppedAlone() async throws {
            let primary = arguments("primary", ["--restarts", "0", "--grace", "1s"], running: Self.stubborn)
            let code = try await Tool.run(primary) { _, send in
                try await wait("the program") { $0.count { $0.hasPrefix("pid") } == 2 }
                send(.suspend)
                try await waitUntilNothingRuns()
                send(.resume)
                // One that counted would be started again after 5 s.
                let start = ContinuousClock.now
                try await wait("the program again") { $0.count { $0.hasPrefix("start") } == 2 }
                #expect(ContinuousClock.now - start < .seconds(4))
                let terms = lines().filter { $0.hasPrefix("start") }.map { $0.split(separator: " ")[3] }
                #expect(Set(terms).count == 2, "for all that is known another server had one in between")
                send(.terminate)
            }
            #expect(code == 0)
        }

        /// The process between the guard and the program.
        private func supervisor() throws -> pid_t {
            let program = try #require(lines().last { $0.hasPrefix("start") }?.split(separator: " ").last)
            let status = try String(contentsOfFile: "/proc/\(program)/status", encoding: .utf8)
            let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("PPid:") })
            return try #require(line.split(separator: "\t").last.flatMap { pid_t($0) })
        }

        @Test("What a program had started is gone before it is started again, though its supervisor was killed")
        func aSupervisorThatIsKilled() async throws {
            let primary = arguments("primary", ["--grace", "1s"], running: Self.stubborn)
            let code = try await Tool.run(primary) { _ in
                try await wait("the program") { $0.count { $0.hasPrefix("pid") } == 2 }
                let programs = running()
                let supervisor = try supervisor()
                let name = try String(contentsOfFile: "/proc/\(supervisor)/comm", encoding: .utf8)
                #expect(name == "bstar-supervise\n")
                #expect(kill(supervisor, SIGKILL) == 0)
                try await wait("the program again") { $0.count { $0.hasPrefix("start") } == 2 }
                #expect(Set(running()).isDisjoint(with: programs))
            }
            #expect(code == 0)
            #expect(running() == [])
        }

        @Test("What a terminal sends to the guard leaves its supervisor at work", arguments: [SIGTSTP, SIGQUIT])
        func signalsOfATerminal(_ signal: Int32) async throws {
            let primary = arguments("primary", ["--grace", "1s"], running: Self.stubborn)
            let code = try await Tool.run(primary) { _, send in
                try await wait("the program") { $0.count { $0.hasPrefix("pid") } == 2 }
                let supervisor = try supervisor()
                // A process group whose terminal is gone is not stopped by it: what the kernel does, it says.
                let status = try String(contentsOfFile: "/proc/\(supervisor)/status", encoding: .utf8)
                let ignored = try #require(status.firstMatch(of: /SigIgn:\s+([0-9a-f]+)/)?.1)
                #expect(try #require(UInt64(ignored, radix: 16)) & 1 << UInt64(signal - 1) != 0)
                send(.suspend)
                #expect(kill(supervisor, signal) == 0)
                try await waitUntilNothingRuns()
                send(.resume)
                send(.terminate)
            }
            #expect(code == 0)
        }

        @Test("A supervisor that was stopped and goes on knows the last of what its guard said meanwhile")
        func aSupervisorThatMissesMuch() async throws {
            let code = try await Tool.run(arguments("primary", ["--grace", "1s"], running: Self.stubborn)) { _ in
                try await wait("the program") { $0.count { $0.hasPrefix("pid") } == 2 }
                let programs = running()
                let supervisor = try supervisor()
                #expect(kill(supervisor, SIGSTOP) == 0)
                try await Task.sleep(for: .seconds(9))
                #expect(kill(supervisor, SIGCONT) == 0)
                try await Task.sleep(for: .seconds(1))
                #expect(running() == programs)
            }
            #expect(code == 0)
        }

        @Test("What leaves the program's process group is asked to end as soon as it is an orphan")
        func orphansAreAsked() async throws {
            let script = """
                trap 'exit 0' TERM
                setsid sh -c 'trap "echo asked >> $1/log; exit" TERM; echo "pid $$" >> "$1/log"; while :; do sleep 0.1; done' x "$1" &
                while :; do sleep 0.1; done
                """
            let start = ContinuousClock.now
            let code = try await Tool.run(arguments("primary", ["--grace", "90s"], running: script)) { _ in
                try await wait("the program") { $0.count { $0.hasPrefix("pid") } == 1 }
            }
            #expect(code == 0)
            #expect(ContinuousClock.now - start < .seconds(60))
            #expect(lines().filter { $0 == "asked" } == ["asked"])
        }

        @Test("A supervisor that was stopped does not keep its guard from ending the program")
        func aSupervisorThatIsStopped() async throws {
            let code = try await Tool.run(arguments("primary", ["--grace", "300ms"], running: Self.stubborn)) {
                _, send in
                try await wait("the program") { $0.count { $0.hasPrefix("pid") } == 2 }
                let supervisor = try supervisor()
                #expect(kill(supervisor, SIGSTOP) == 0)
                send(.terminate)
            }
            #expect(code == 0)
            #expect(running() == [])
        }
        #endif

        @Test("A program that exits is started again, and then the other machine takes over")
        func exits() async throws {
            let script = """
                echo "start $BSTAR_SEAT" >> "$1/log"
                [ $BSTAR_SEAT = primary ] && exit 3
                sleep 60
                """
            let limits = ["--restarts", "2", "--restart-window", "1m", "--grace", "1s"]
            let primary = arguments("primary", limits, running: script)
            let code = try await Tool.run(arguments("backup", limits, running: script)) { _ in
                let code = try await Tool.run(primary) { _ in
                    try await wait("the backup's program") { $0.contains("start backup") }
                    // It goes on if the other one cannot take over yet.
                    let starts = lines().count { $0 == "start primary" }
                    #expect(starts >= 3 && starts.isMultiple(of: 3))
                }
                #expect(code == 0)
            }
            #expect(code == 0)
        }

        @Test(
            "An operator asks a guard, and has it hand over; the program knows nothing of the guard's service manager")
        func control() async throws {
            let script = """
                echo "start $BSTAR_SEAT $NOTIFY_SOCKET" >> "$1/log"
                sleep 60
                """
            let sockets = ["--control", folder.path + "/primary.sock", "--control", folder.path + "/backup.sock"]
            let prefix = ["env", "NOTIFY_SOCKET=/nowhere"]
            let guards = try ["primary", "backup"].map { seat in
                try ToolProcess("bstar", arguments(seat, ["--grace", "1s"], running: script), prefix: prefix)
            }
            try await wait("the primary's program") { $0 == ["start primary "] }
            let deadline = ContinuousClock.now + .seconds(30)
            // Until the backup is passive there is nobody to hand over to.
            while try await Tool.run(["switchover"] + sockets).exitCode != 0, ContinuousClock.now < deadline {}
            #expect(try await wait("the backup's program") { $0.count == 2 } == ["start primary ", "start backup "])
            let status = try await Tool.run(["status"] + sockets)
            #expect(status.output.hasPrefix("the backup serves"), "\(status.output) \(status.error)")
            for process in guards {
                process.send(SIGTERM)
                #expect(await process.exitCode() == 0)
            }
        }

        @Test func aProgramThatIsNotThereIsSaid() async throws {
            let outcome = try await Tool.run([
                "guard", "--seat", "primary", "--listen", "ipc://a", "--connect", "ipc://b",
            ])
            #expect(outcome.exitCode == 64)
            #expect(outcome.error.contains("say which program to run"))
        }
    }
}
