import BinaryStarCore
import Foundation
import TestSupport
import Testing
import ZeroMQ

@testable import BinaryStar

@Suite(.timeLimit(.minutes(2))) struct ControlTests {
    private let endpoints = PairEndpoints()
    private var control: String { endpoints.folder.ipc("control") }
    private var path: String { endpoints.folder.path + "/control" }

    private func star(_ seat: Seat = .primary, timing: HeartbeatTiming = .patient) throws -> BinaryStar {
        var configuration = endpoints.configuration(seat, timing: timing)
        if seat == .primary { configuration.control = control }
        // A busy machine gets as far as it takes.
        configuration.drainTimeout = .seconds(100)
        return try BinaryStar(configuration: configuration)
    }

    @Test func onlyItsUserReachesIt() async throws {
        let path = path
        let star = try star()
        try await running(star) { [control] in
            let client = try ControlClient(control, patience: .seconds(60))
            try await eventually("control socket") { (try? await client.status()) != nil }
            let attributes = try FileManager.default.attributesOfItem(atPath: path)
            #expect(attributes[.posixPermissions] as? Int == 0o600)
            let status = try await client.status()
            let here = await star.status
            #expect(status.seat == .primary && status.incarnation == here.incarnation)
            #expect(status.configuration.listen == [star.configuration.listen] && status.uptime != nil)
            await client.close()
            let error = await #expect(throws: ControlError.self) { try await client.status() }
            #expect(error?.code == .closed)
        }
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test func commandsDoWhatTheMethodsDo() async throws {
        let star = try star(timing: .quick)
        try await running(star) { [control] in
            let client = try ControlClient(control, patience: .seconds(60))
            try await eventually("promotion") { (try? await client.promote()) != nil }
            #expect(await star.role == .active)
            await #expect(throws: ControlError.self) { try await client.promote() }
            #expect(try await client.pause().isPaused)
            #expect(await star.isPaused)
            let error = await #expect(throws: ControlError.self) { try await client.stepDown() }
            #expect(error?.code == .cannotStepDown && error?.message.contains("no live passive peer") == true)
            await #expect(throws: ControlError.self) { try await client.drain() }
            #expect(await !star.isDrained)
            #expect(try await !client.resume().isPaused)
            let history = try await client.history()
            #expect(history.map(\.cause) == [.promote])
            #expect(await history.last?.term == star.status.term)
            #expect(await history == star.history)
        }
    }

    @Test func aDrainedServerTakesNothingOver() async throws {
        let (primary, backup) = (try star(), try star(.backup))
        try await running(primary, backup) { [control] in
            try await primary.becomes(.active)
            try await backup.becomes(.passive)
            let client = try ControlClient(control, patience: .seconds(60))
            let status = try await client.drain()
            #expect(status.role == .passive && status.isDrained && !status.isHealthy)
            #expect(await backup.role == .active)
            // The peer is told, and does not hand over to it.
            try await eventually("poor health") { await backup.status.peer?.isHealthy == false }
            await #expect(throws: BinaryStarError.self) { try await backup.stepDown() }
            #expect(try await client.resume().isHealthy)
            try await eventually("good health") { await backup.status.peer?.isHealthy == true }
            try await backup.stepDown()
            #expect(await primary.role == .active)
        }
    }

    /// A step down that waits for a handler keeps no other request waiting.
    @Test func whatTakesLongHoldsNothingUp() async throws {
        let (primary, backup) = (try star(), try star(.backup))
        let gate = Gate()
        let (started, isStarted) = AsyncStream.makeStream(of: Void.self)
        let voter = try await primary.addVoter(.router, bind: endpoints.folder.ipc("voter")) { request in
            isStarted.yield()
            await gate.pass()
            return request.body
        }
        try await running(primary, backup) { [control] in
            try await primary.becomes(.active)
            try await backup.becomes(.passive)
            let client = try RawClient(voter)
            client.socket.send("", "hello")
            for await _ in started { break }
            let operator1 = try ControlClient(control, patience: .seconds(60))
            let stepDown = Task { try await operator1.stepDown() }
            try await eventually("draining") { try await operator1.status().isDraining }
            let second = await #expect(throws: ControlError.self) { try await operator1.stepDown() }
            #expect(second?.message.contains("hands over already") == true)
            // One that goes away in the middle costs nothing.
            let other = try ControlClient(control, patience: .seconds(60))
            _ = try await other.status()
            await other.close()
            #expect(try await operator1.status().requests.inFlight == 1)
            gate.open()
            #expect(try await stepDown.value.role == .passive)
            #expect(await backup.role == .active)
            #expect(try await client.socket.next().last?.text == "hello")
        }
    }

    @Test(
        arguments: [
            ("", "malformed", nil), ("nonsense", "malformed", nil), ("{}", "malformed", nil), ("[]", "malformed", nil),
            (#"{"version":1}"#, "malformed", nil), (#"{"version":1,"id":7}"#, "malformed", 7),
            (#"{"version":2,"id":7,"command":"status"}"#, "unsupportedVersion", 7),
            (#"{"version":"1","command":"status"}"#, "malformed", nil),
            (#"{"version":1,"id":8,"command":"explode"}"#, "unknownCommand", 8),
            (#"{"version":1,"id":-1,"command":"status"}"#, "malformed", nil),
            (#"{"version":1,"command":"history","limit":"all"}"#, "malformed", nil),
            (#"{"version":1,"command":["status"]}"#, "malformed", nil),
        ] as [(String, String, UInt64?)])
    func badRequestsAreAnsweredWithAnError(_ text: String, _ code: String, _ id: UInt64?) async throws {
        let star = try star()
        try await running(star) { [control] in
            let socket = try RawSocket(.dealer, connect: control)
            // With an envelope, as a REQ socket's, and without.
            for envelope in [[], [""]] {
                socket.send(Message(frames: (envelope + [text]).map(\.utf8)))
                let reply = try await socket.next()
                #expect(reply.count == (text.isEmpty ? 2 : envelope.count + 1))
                let response = try JSON(parsing: reply[reply.count - 1].bytes).decode(ControlResponse.self)
                #expect(response.error?.code.rawValue == code && response.id == id && response.status == nil)
            }
        }
    }

    @Test func garbageAndFloodsLeaveItAnswering() async throws {
        let star = try star()
        try await running(star) { [control] in
            let raw = try RawSocket(.dealer, connect: control)
            raw.send(Message(frames: [[], [0xFF, 0], [1, 2, 3]]))
            raw.send(Message(frames: (0..<100).map { [UInt8($0)] }))
            // One that does not read its answers.
            let deaf = try RawSocket(.dealer, connect: control, reads: false)
            for _ in 0..<2_000 { deaf.send(#"{"version":1,"command":"history"}"#) }
            for _ in 0..<500 { raw.send("garbage") }
            // A frame that is too long costs the connection.
            let long = try RawSocket(.dealer, connect: control)
            long.send(Message([UInt8](repeating: 0x7B, count: 100_000)))
            let client = try ControlClient(control, patience: .seconds(60))
            try await eventually("control socket") { (try? await client.status()) != nil }
            for _ in 0..<20 {
                let response = try await client.response(to: ControlRequest(.status), within: patience)
                #expect(response.status?.seat == .primary)
            }
        }
    }

    @Test func aREQClientOfAnyLanguageIsAnswered() async throws {
        let star = try star()
        try await running(star) { [control] in
            let socket = try RawSocket(.req, connect: control)
            socket.send(#"{ "command": "status", "version": 1, "unknown": {"a": [1]} }"#)
            let text = try #require(try await socket.next().last?.bytes)
            let object = try #require(try JSONSerialization.jsonObject(with: Data(text)) as? [String: Any])
            let status = try #require(object["status"] as? [String: Any])
            #expect(object["version"] as? Int == 1 && object["id"] == nil)
            #expect(status["role"] as? String == "primary")
            #expect(try JSONDecoder().decode(ControlResponse.self, from: Data(text)).status?.role == .primary)
        }
    }
}

@Suite(.timeLimit(.minutes(2))) struct ControlSocketTests {
    private let endpoints = PairEndpoints()
    private var control: String { endpoints.folder.ipc("control") }
    private var path: String { endpoints.folder.path + "/control" }

    private func star(_ control: String? = nil) throws -> BinaryStar {
        var configuration = endpoints.configuration(.primary, timing: .patient)
        configuration.control = control ?? self.control
        return try BinaryStar(configuration: configuration)
    }

    /// Binds a Unix socket and lets go of it, as a process that is killed does.
    private func leaveStaleSocket() {
        #if canImport(Glibc)
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        #else
        let descriptor = socket(AF_UNIX, SOCK_STREAM, 0)
        #endif
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                #expect(bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0)
            }
        }
        #expect(listen(descriptor, 1) == 0)
        close(descriptor)
    }

    @Test func aFileThatAKilledServerLeftIsReplaced() async throws {
        leaveStaleSocket()
        let client = try ControlClient(control, patience: .seconds(60))
        let error = await #expect(throws: ControlError.self) { try await client.status() }
        #expect(error?.code == .unreachable && error?.message.contains("was killed") == true)
        try await running(star()) {
            try await eventually("control socket") { (try? await client.status()) != nil }
        }
    }

    @Test func aServerThatLivesKeepsItsSocket() async throws {
        let first = try star()
        try await running(first) { [control, folder = endpoints.folder] in
            let client = try ControlClient(control, patience: .seconds(60))
            try await eventually("control socket") { (try? await client.status()) != nil }
            var configuration = BinaryStarConfiguration(
                seat: .backup, listen: folder.ipc("other"), connect: folder.ipc("none"), timing: .patient)
            configuration.control = control
            let second = try BinaryStar(configuration: configuration)
            let error = await #expect(throws: BinaryStarError.self) { try await second.run() }
            #expect(error?.code == .endpointUnavailable && error?.message.contains("in use") == true)
            #expect(try await client.status().seat == .primary)
        }
    }

    @Test func whatIsNoSocketStays() async throws {
        try Data("precious".utf8).write(to: URL(filePath: path))
        let error = await #expect(throws: BinaryStarError.self) { try await star().run() }
        #expect(error?.message.contains("no socket is there") == true, "\(error?.message ?? "")")
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "precious")
    }

    @Test(arguments: ["tcp://127.0.0.1:5999", "ipc://", "ipc://@abstract", "ipc://*", "/plain/path"])
    func onlyAFileCanBeAControlSocket(_ text: String) {
        let error = #expect(throws: BinaryStarError.self) { try star(text) }
        #expect(error?.code == .invalidConfiguration && error?.message.hasPrefix("control is") == true)
    }

    // MARK: The client's errors

    @Test func aServerThatNeverAnswersIsATimeout() async throws {
        let silent = try RawSocket(.router, bind: control)
        let client = try ControlClient(control, patience: .seconds(60))
        let error = await #expect(throws: ControlError.self) {
            try await client.response(to: ControlRequest(.status), within: .milliseconds(50))
        }
        #expect(error?.code == .timedOut)
        await silent.close()
        let missing = try ControlClient(endpoints.folder.ipc("missing"))
        let other = await #expect(throws: ControlError.self) { try await missing.status() }
        #expect(other?.code == .unreachable && other?.message.contains("no server runs") == true)
    }

    @Test func aServerThatGoesAwayIsNotWaitedFor() async throws {
        let silent = try RawSocket(.router, bind: control)
        let client = try ControlClient(control, patience: .seconds(60))
        let request = Task { try await client.stepDown() }
        _ = try await silent.next()
        await silent.close()
        let error = await #expect(throws: ControlError.self) { try await request.value }
        #expect(error?.code == .unreachable)
        let cancelled = Task { try await client.status() }
        cancelled.cancel()
        await #expect(throws: (any Error).self) { try await cancelled.value }
    }

    @Test func whatSpeaksAnotherProtocolIsToldApart() async throws {
        let other = try RawSocket(.router, bind: control)
        let client = try ControlClient(control, patience: .seconds(60))
        let request = Task { try await client.response(to: ControlRequest(.status), within: patience) }
        let message = try await other.next()
        other.send(Message(frames: [message[0].bytes, Array("hello".utf8)]))
        let error = await #expect(throws: ControlError.self) { try await request.value }
        #expect(error?.code == .badResponse)
    }

    @Test func theHistoryOfEarlierLivesIsThere() async throws {
        let directory = endpoints.folder.path + "/state"
        var configuration = endpoints.configuration(.primary)
        configuration.stateDirectory = directory
        configuration.control = control
        for life in 1...2 {
            let star = try BinaryStar(configuration: configuration)
            try await running(star) { [control] in
                let client = try ControlClient(control, patience: .seconds(60))
                try await eventually("promotion") { (try? await client.promote()) != nil }
                let history = try await client.history()
                #expect(history.map(\.to) == Array(repeating: .active, count: life))
                #expect(try await client.history(limit: 1) == history.suffix(1))
                #expect(history.map(\.term) == history.map(\.term).sorted())
            }
        }
    }
}
