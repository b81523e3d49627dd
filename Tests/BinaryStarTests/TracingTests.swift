#if Tracing
import BinaryStarCore
import InMemoryTracing
import Instrumentation
import TestSupport
import Testing
import Tracing
import ZeroMQ

@testable import BinaryStar

/// With the trait `Tracing`: a span at the client, its child at the handler, and what goes between them.
@Suite(.serialized, .timeLimit(.minutes(2))) struct TracingTests {
    /// The process has one tracer, which is set once.
    private static let tracer: InMemoryTracer = {
        let tracer = InMemoryTracer()
        InstrumentationSystem.bootstrap(tracer)
        return tracer
    }()

    private func spans(_ name: String, of trace: String) -> [FinishedInMemorySpan] {
        Self.tracer.finishedSpans.filter { $0.operationName == name && $0.traceID == trace }
    }

    /// Runs a server and a client of it within a span of the caller's, and returns the trace's id.
    private func ask(
        inline: Bool, _ body: @escaping @Sendable (BinaryStarClient) async throws -> Void
    ) async throws -> String {
        let tracer = Self.tracer
        let endpoints = PairEndpoints()
        let star = try endpoints.star(.primary, timing: .patient)
        let peer = try endpoints.peer(of: .primary)
        peer.beat(.backup)
        let address = endpoints.folder.ipc("voter")
        let answer: @Sendable (Request) throws -> Message? = { request in
            if request.text == "fail" { throw RequestFailure(code: 1, text: "no") }
            // A span of the handler's own.
            return withSpan("work") { _ in request.body }
        }
        if inline {
            try await star.addInlineVoter(.router, bind: address, handler: answer)
        } else {
            try await star.addVoter(.router, bind: address) { try answer($0) }
        }
        return try await running(star) {
            try await star.becomes(.active)
            let client = try BinaryStarClient(
                configuration: .init(primary: address, backup: endpoints.folder.ipc("nobody")))
            try await withSpan("caller") { _ in try await body(client) }
            await client.close()
            // The suite's tests run one after the other.
            return tracer.finishedSpans.last { $0.operationName == "caller" }?.traceID ?? ""
        }
    }

    @Test(arguments: [false, true])
    func theHandlersSpanIsAChildOfTheClients(inline: Bool) async throws {
        let trace = try await ask(inline: inline) { client in
            for text in ["x", "y"] {
                let reply = try await client.request(Message(text))
                #expect(reply.text == text)
            }
        }
        let requests = spans("bstar.request", of: trace)
        let handles = spans("bstar.handle", of: trace)
        #expect(requests.count == 2 && handles.count == 2)
        #expect(Set(handles.compactMap(\.parentSpanID)) == Set(requests.map(\.spanID)))
        #expect(Set(spans("work", of: trace).compactMap(\.parentSpanID)) == Set(handles.map(\.spanID)))
        #expect(requests.allSatisfy { $0.errors.isEmpty })
    }

    @Test func aFailureIsAnErrorOfBothSpans() async throws {
        let trace = try await ask(inline: false) { client in
            await #expect(throws: BinaryStarClientError.self) { try await client.request("fail") }
        }
        #expect(spans("bstar.request", of: trace).first?.errors.count == 1)
        #expect(spans("bstar.handle", of: trace).first?.errors.count == 1)
    }

    @Test("A classic server returns the context unchanged, and the client takes its reply")
    func classicServer() async throws {
        _ = Self.tracer
        let pair = try PosedPair()
        let task = Task { try await withSpan("caller") { _ in try await pair.client.request("x") } }
        let arrived = try await pair.primary.socket.next()
        #expect(arrived.count == 5)
        #expect(arrived[1].withSpan { TraceContext($0) }?.fields[InMemoryTracer.traceIDKey] != nil)
        #expect(arrived[2].withSpan { RequestHeader($0) } != nil)
        pair.primary.socket.send(arrived)
        let reply = try await task.value
        #expect(reply.text == "x" && reply.term == nil)
    }

    @Test("A server that was turned passive tells a client that traces of it")
    func theWayToAClientHasNoContext() async throws {
        let message = Message(
            frames: [
                [1], TraceContext(["a": "b"])?.encoded ?? [], RequestHeader(incarnation: 7, number: 1).encoded, [],
            ])
        let request = Request(message, identityFrames: 1, at: .now)
        #expect(request.trace?.fields == ["a": "b"])
        #expect(request.pathLength == 1)
        var clients = KnownClients()
        clients.note(request)
        var paths: [Int] = []
        clients.forEach { _, path in
            paths.append(path.count)
            return true
        }
        #expect(paths == [1])
    }
}
#endif
