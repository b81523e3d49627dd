import TestSupport
import Testing

@testable import ZeroMQ

@Suite struct MonitorTests {
    let context: Context
    let folder = TemporaryFolder()

    init() throws {
        context = try Context()
    }

    private func nextEvent(_ monitor: borrowing Socket) throws -> MonitorEvent {
        try #require(MonitorEvent(try monitor.next()))
    }

    /// What the restart of a server on its own endpoint depends on.
    @Test(arguments: ["tcp", "ipc"])
    func endpointIsFreeWhenTheMonitorSaysClosed(transport: String) throws {
        var endpoint = transport == "tcp" ? "tcp://127.0.0.1:*" : folder.ipc()
        for round in 0..<20 {
            let socket = try Socket(.router, in: context)
            try socket.bind(endpoint)
            endpoint = try socket.lastEndpoint
            let client = try Socket(.dealer, in: context)
            try client.connect(endpoint)
            try client.deliver("hello")
            _ = try socket.next()
            let monitor = try socket.startMonitor([.closed, .closeFailed], name: "\(round)")
            try socket.unbind(endpoint)
            let event = try nextEvent(monitor)
            #expect(event.kind == .closed)
            #expect(event.endpoint == endpoint)
            socket.stopMonitor()
        }
    }

    @Test func connections() throws {
        let server = try Socket(.pull, in: context)
        try server.bind("tcp://127.0.0.1:*")
        let client = try Socket(.push, in: context)
        let monitor = try client.startMonitor([.connected, .disconnected], name: "client")
        let endpoint = try server.lastEndpoint
        try client.connect(endpoint)
        let connected = try nextEvent(monitor)
        #expect(connected.kind == .connected)
        #expect(connected.endpoint == endpoint)
        try client.deliver("hello")
        _ = try server.next()
        _ = consume server
        #expect(try nextEvent(monitor).kind == .disconnected)
        client.stopMonitor()
    }

    @Test func nameThatIsTakenIsAnError() throws {
        let first = try Socket(.pull, in: context)
        let second = try Socket(.pull, in: context)
        let monitor = try first.startMonitor(.closed, name: "same")
        let error = #expect(throws: ZeroMQError.self) { _ = try second.startMonitor(.closed, name: "same") }
        #expect(error?.operation == "monitor")
        #expect(error?.subject == "inproc://monitor-same")
        first.stopMonitor()
        _ = consume monitor
    }

    @Test func whatIsNoEvent() {
        #expect(MonitorEvent("text") == nil)
        #expect(MonitorEvent(Message()) == nil)
        #expect(MonitorEvent(Message(frames: [[1, 2, 3], []])) == nil)
        #expect(MonitorEvent(Message(frames: [[UInt8](repeating: 0, count: 6), [0xFF]])) == nil)
    }
}
