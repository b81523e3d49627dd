#if Tracing
import BinaryStarCore
import Instrumentation
import Tracing
import ZeroMQ

/// The names of spans and of their attributes.
private enum SpanName {
    static let request = "bstar.request"
    static let handle = "bstar.handle"
    static let attempts = "bstar.attempts"
    static let client = "bstar.client"
    static let delivery = "bstar.delivery"
    static let number = "bstar.request.number"
    static let seat = "bstar.seat"
    static let server = "bstar.server"
    static let term = "bstar.term"
}

/// Reads and writes the fields of a context.
private struct Fields: Extractor, Injector {
    func extract(key: String, from carrier: [String: String]) -> String? {
        // Some tracers write their fields' names otherwise than they read them.
        carrier[key] ?? carrier.first { $0.key.lowercased() == key.lowercased() }?.value
    }

    func inject(_ value: String, forKey key: String, into carrier: inout [String: String]) { carrier[key] = value }
}

extension BinaryStarClient {
    /// Sends a request within a span, whose context goes with it to the handler.
    nonisolated(nonsending) func requestWithSpan(
        _ body: Message, timeout: Duration?, delivery: Delivery
    ) async throws -> Reply {
        try await withSpan(SpanName.request, ofKind: .client) { span in
            var fields: [String: String] = [:]
            InstrumentationSystem.instrument.inject(span.context, into: &fields, using: Fields())
            span.attributes[SpanName.delivery] = delivery == .once ? "once" : "at least once"
            let reply = try await request(
                body, timeout: timeout, delivery: delivery, trace: TraceContext(fields)?.encoded)
            span.attributes[SpanName.server] = "\(reply.server)"
            span.attributes[SpanName.attempts] = reply.attempts
            if let term = reply.term { span.attributes[SpanName.term] = Int64(clamping: term) }
            return reply
        }
    }
}

extension Request {
    /// The span that the client began; or none.
    fileprivate var clientContext: InstrumentationContext {
        var context = InstrumentationContext.topLevel
        guard let trace else { return context }
        InstrumentationSystem.instrument.extract(trace.fields, into: &context, using: Fields())
        return context
    }

    fileprivate func describe(_ span: any Span, _ seat: Seat) {
        span.attributes[SpanName.seat] = "\(seat)"
        span.attributes[SpanName.term] = Int64(clamping: term)
        guard let id else { return }
        span.attributes[SpanName.client] = String(id.client, radix: 16)
        span.attributes[SpanName.number] = Int64(clamping: id.number)
    }
}

extension Voter.Service {
    /// The same with a span around each call of the handler, a child of the client's.
    func traced(_ seat: Seat) -> Voter.Service {
        guard case .inline(let handler) = self else { return self }
        return .inline { request in
            try withSpan(SpanName.handle, context: request.clientContext, ofKind: .server) { span in
                request.describe(span, seat)
                return try handler(request)
            }
        }
    }
}

extension HandlerPool {
    /// The same handler with a span around each call, a child of the client's.
    static func traced(_ seat: Seat, _ handler: @escaping Handler) -> Handler {
        { request in
            try await withSpan(SpanName.handle, context: request.clientContext, ofKind: .server) { span in
                request.describe(span, seat)
                return try await handler(request)
            }
        }
    }
}
#endif
