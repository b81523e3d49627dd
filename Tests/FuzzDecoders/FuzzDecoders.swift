import BinaryStarCore

/// libFuzzer calls this with bytes that it makes up: the first tells which decoder gets the others.
///
/// What a decoder accepts must come out as the same bytes when it is encoded again, as far as they are ours.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard count > 0 else { return 0 }
    let bytes = UnsafeBufferPointer(start: start + 1, count: count - 1)
    switch start[0] % 5 {
    case 0: fuzzHeartbeat(bytes)
    case 1: if let header = RequestHeader(bytes.span) { precondition(header.encoded.elementsEqual(bytes)) }
    case 2: if let header = ReplyHeader(bytes.span) { precondition(header.encoded.elementsEqual(bytes)) }
    case 3: fuzzTraceContext(bytes)
    default: if let failure = HandlerFailure(bytes.span) { precondition(failure.encoded.elementsEqual(bytes)) }
    }
    return 0
}

/// Fields come in any order, and go out in one.
private func fuzzTraceContext(_ bytes: UnsafeBufferPointer<UInt8>) {
    guard let context = TraceContext(bytes.span) else { return }
    let again = context.encoded
    precondition(again.count == bytes.count && TraceContext(again.span) == context)
}

/// The first byte is the length of the first frame, as far as there are bytes; the others are the second frame.
private func fuzzHeartbeat(_ bytes: UnsafeBufferPointer<UInt8>) {
    guard let length = bytes.first else { return }
    let frames = bytes.dropFirst()
    let state = UnsafeBufferPointer(rebasing: frames.prefix(Int(length)))
    let second = UnsafeBufferPointer(rebasing: frames.dropFirst(Int(length)))
    let decoded = Heartbeat.decode(
        frameCount: second.isEmpty ? 1 : 2, state: state.span, extension: second.isEmpty ? nil : second.span)
    guard case .success(let heartbeat) = decoded else { return }
    precondition(heartbeat.frames[0].elementsEqual(state))
    guard let news = heartbeat.extension else { return }
    // An age without an echo, and flags, are the only bytes that may differ.
    precondition(news.encoded.count == second.count)
    var member = PairMember(
        configuration: .init(seat: .primary), incarnation: 1, termFloor: 0, now: MonotonicTime(nanoseconds: 0))
    for instant in [1, 2_000_000_000] as [Int64] {
        let now = MonotonicTime(nanoseconds: instant)
        _ = member.receive(heartbeat, at: now)
        _ = member.tick(at: now)
        _ = member.requestArrived(at: now)
        _ = member.makeHeartbeat(at: now).frames
        member.heartbeatWasSent(at: now)
    }
}
