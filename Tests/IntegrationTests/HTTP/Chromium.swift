import BinaryStar
import Foundation
import TestSupport
import Testing

/// A browser without a window, driven by its DevTools protocol over two pipes. One call at a time.
///
/// Source: Chrome DevTools Protocol, `--remote-debugging-pipe`: JSON texts, each with a zero behind it.
final class Chromium: Sendable {
    private let process: Background
    private let input: Int32
    private let output: Int32
    private let state = Lock(State())

    private struct State {
        var received: [UInt8] = []
        var lastID = 0
        var session: String?
        var problems: [String] = []
    }

    init(at path: String, in folder: TemporaryFolder) async throws {
        let pipes = ["in", "out"].map { folder.path + "/chromium-\($0)" }
        for pipe in pipes { #expect(mkfifo(pipe, 0o600) == 0) }
        // For both directions, so that nobody waits for the other one to open it.
        input = Foundation.open(pipes[0], O_RDWR | O_CLOEXEC)
        output = Foundation.open(pipes[1], O_RDWR | O_CLOEXEC)
        let options = [
            "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
            "--disable-background-networking", "--user-data-dir=\(folder.path)/chromium", "--remote-debugging-pipe",
            "about:blank",
        ]
        process = try Background(
            "/bin/sh",
            ["-c", "in=$1 out=$2; shift 2; exec \"$@\" 3<\"$in\" 4>\"$out\"", "sh"] + pipes + [path] + options,
            in: folder)
        let target = try await call("Target.createTarget", ["url": .string("about:blank")])
        let session = try await call(
            "Target.attachToTarget", ["targetId": target["targetId"] ?? .null, "flatten": .bool(true)])
        guard case .string(let name)? = session["sessionId"] else {
            throw TestSocket.Failure(description: "no session")
        }
        state.withLock { $0.session = name }
        for domain in ["Page", "Runtime", "Log"] { _ = try await call("\(domain).enable") }
    }

    deinit {
        close(input)
        close(output)
    }

    /// What the page's code threw, and what its policy forbade.
    var problems: [String] { state.withLock(\.problems) }

    func end() async throws {
        _ = try? await call("Browser.close")
        try await process.end(with: SIGKILL)
    }

    // MARK: What a person does

    func open(_ url: String) async throws { _ = try await call("Page.navigate", ["url": .string(url)]) }

    /// The value of an expression, as text.
    func value(_ expression: String) async throws -> String {
        let result = try await call("Runtime.evaluate", ["expression": .string("String(\(expression))")])
        guard case .string(let text)? = result["result"]?["value"] else { return "\(result.text)" }
        return text
    }

    /// Waits until the value of an expression satisfies `condition`.
    @discardableResult
    func wait(for expression: String, until condition: (String) -> Bool) async throws -> String {
        var value = ""
        try await eventually("\(expression) is \(value); \(problems)") {
            value = try await self.value(expression)
            return condition(value)
        }
        return value
    }

    func press(_ key: String, code: Int, text: String? = nil) async throws {
        for type in ["keyDown", "keyUp"] {
            var event: [String: JSON] = [
                "type": .string(type), "key": .string(key), "code": .string(key == " " ? "Space" : key),
                "windowsVirtualKeyCode": .number("\(code)"),
            ]
            if let text, type == "keyDown" { event["text"] = .string(text) }
            _ = try await call("Input.dispatchKeyEvent", event)
        }
    }

    func resize(width: Int, height: Int) async throws {
        _ = try await call(
            "Emulation.setDeviceMetricsOverride",
            [
                "width": .number("\(width)"), "height": .number("\(height)"), "deviceScaleFactor": .number("1"),
                "mobile": .bool(false),
            ])
    }

    func prefer(_ scheme: String) async throws {
        let feature = JSON.object([
            .init("name", .string("prefers-color-scheme")), .init("value", .string(scheme)),
        ])
        _ = try await call("Emulation.setEmulatedMedia", ["features": .array([feature])])
    }

    /// Writes a picture of the page into the folder that `BSTAR_SCREENSHOTS` names, if it does.
    func picture(_ name: String) async throws {
        guard let folder = ProcessInfo.processInfo.environment["BSTAR_SCREENSHOTS"] else { return }
        let picture = try await call("Page.captureScreenshot", ["captureBeyondViewport": .bool(true)])
        guard case .string(let text)? = picture["data"], let data = Data(base64Encoded: text) else { return }
        try data.write(to: URL(filePath: "\(folder)/\(name).png"))
    }

    // MARK: The protocol

    private func call(_ method: String, _ parameters: [String: JSON] = [:]) async throws -> JSON {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { [self] in
                continuation.resume(with: Result { try exchange(method, parameters) })
            }
        }
    }

    private func exchange(_ method: String, _ parameters: [String: JSON]) throws -> JSON {
        let (id, session) = state.withLock { state in
            state.lastID += 1
            return (state.lastID, state.session)
        }
        var members = [
            JSON.Member("id", .number("\(id)")), .init("method", .string(method)),
            .init("params", .object(parameters.map { .init($0.key, $0.value) })),
        ]
        if let session { members.append(.init("sessionId", .string(session))) }
        let bytes = Array(JSON.object(members).text.utf8) + [0]
        guard write(input, bytes, bytes.count) == bytes.count else { throw TestSocket.Failure(description: "no pipe") }
        while true {
            let message = try JSON(parsing: try receive())
            if message["id"] == .number("\(id)") {
                if let error = message["error"] { throw TestSocket.Failure(description: "\(method): \(error.text)") }
                return message["result"] ?? .null
            }
            note(message)
        }
    }

    private func note(_ message: JSON) {
        let isProblem =
            switch message["method"] {
            case .string("Runtime.exceptionThrown"): true
            // A server that is gone is no error of the page's.
            case .string("Log.entryAdded"): message["params"]?["entry"]?["source"] != .string("network")
            default: false
            }
        if isProblem { state.withLock { $0.problems.append(message.text) } }
    }

    private func receive() throws -> [UInt8] {
        let deadline = ContinuousClock.now + .seconds(60)
        while true {
            let message: [UInt8]? = state.withLock { state in
                guard let end = state.received.firstIndex(of: 0) else { return nil }
                defer { state.received.removeFirst(end + 1) }
                return Array(state.received[..<end])
            }
            if let message { return message }
            guard ContinuousClock.now < deadline else {
                throw TestSocket.Failure(description: "the browser does not answer; \(process.text.suffix(500))")
            }
            var descriptor = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
            guard poll(&descriptor, 1, 1_000) > 0 else { continue }
            var buffer = [UInt8](repeating: 0, count: 65_536)
            let count = read(output, &buffer, buffer.count)
            if count > 0 { state.withLock { [buffer] in $0.received += buffer[..<count] } }
        }
    }
}
