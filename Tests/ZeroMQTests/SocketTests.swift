import CZeroMQ
import TestSupport
import Testing

@testable import ZeroMQ

@Suite struct SocketTests {
    let context: Context
    let folder = TemporaryFolder()

    init() throws {
        context = try Context()
    }

    enum Transport: CaseIterable { case inproc, ipc, tcp }

    private func endpoint(_ transport: Transport) -> String {
        switch transport {
        case .inproc: "inproc://socket"
        case .ipc: folder.ipc()
        case .tcp: "tcp://127.0.0.1:*"
        }
    }

    // MARK: Send and receive

    @Test(arguments: Transport.allCases)
    func thereAndBack(over transport: Transport) throws {
        let server = try Socket(.dealer, in: context)
        try server.bind(endpoint(transport))
        let client = try Socket(.dealer, in: context)
        try client.connect(try server.lastEndpoint)
        let request = Message(frames: [[1], [], [UInt8](repeating: 2, count: 5_000)])
        try client.deliver(request)
        #expect(try server.next() == request)
        try server.deliver("reply")
        #expect(try client.next().text == "reply")
        #expect(try client.receive() == nil)
    }

    @Test func wildcardPortIsResolved() throws {
        let socket = try Socket(.pull, in: context)
        try socket.bind("tcp://127.0.0.1:*")
        let endpoint = try socket.lastEndpoint
        #expect(endpoint.hasPrefix("tcp://127.0.0.1:"))
        #expect(Int(endpoint.split(separator: ":").last ?? "") ?? 0 > 0)
    }

    @Test(
        arguments: [
            (.router, .dealer), (.dealer, .router), (.push, .pull), (.pair, .pair), (.rep, .req), (.dealer, .rep),
        ] as [(SocketType, SocketType)])
    func typesThatFit(binding: SocketType, connecting: SocketType) throws {
        let bound = try Socket(binding, in: context)
        try bound.bind("inproc://types")
        let connected = try Socket(connecting, in: context)
        try connected.connect("inproc://types")
        #expect(bound.type == binding)
        switch connecting {
        case .dealer, .req, .pair:
            try connected.deliver("text")
            #expect(try bound.next().last?.text == "text")
        case .pull:
            try bound.deliver("text")
            #expect(try connected.next().last?.text == "text")
        case .rep:
            try bound.deliver(Message(frames: ["", "text"].map(\.utf8)))
            #expect(try connected.next().last?.text == "text")
        default: break
        }
    }

    @Test func subscribeTakesAPrefix() throws {
        let publisher = try Socket(.pub, in: context)
        try publisher.bind("inproc://topics")
        let subscriber = try Socket(.sub, in: context)
        try subscriber.set(.subscribe, "wanted")
        try subscriber.connect("inproc://topics")
        // Until the subscription has arrived, what is published is lost.
        var first: Message?
        for _ in 0..<1_000_000 where first == nil {
            try publisher.deliver("unwanted")
            try publisher.deliver("wanted 1")
            first = try subscriber.receive()
        }
        #expect(first?.text == "wanted 1")
    }

    // MARK: Frame limit

    @Test func tooManyFramesAreDroppedAsAWhole() throws {
        let link = try pair()
        for limit in [1, 2, 5, 6, 100] {
            for count in [limit + 1, limit * 2 + 3, 1_000] {
                try link.sender.deliver(Message(frames: (0..<count).map { "\($0)".utf8 }))
                try link.sender.deliver(Message(frames: (0..<limit).map { "\($0)".utf8 }))
                var spare: Message?
                #expect(try link.receiver.waitUntil(.readable))
                guard case .tooManyFrames = try link.receiver.receive(reusing: &spare, maximumFrames: limit) else {
                    Issue.record("\(count) frames were taken although the limit is \(limit)")
                    return
                }
                guard case .message(let next) = try link.receiver.receive(reusing: &spare, maximumFrames: limit) else {
                    Issue.record("the message behind \(count) frames was lost")
                    return
                }
                #expect(next.count == limit)
                #expect(next.last?.text == "\(limit - 1)")
            }
        }
    }

    @Test func spareMemoryIsUsedAgainOnlyIfNobodyRefersToIt() throws {
        let link = try pair()
        var spare: Message?
        func next() throws -> Message {
            #expect(try link.receiver.waitUntil(.readable))
            guard case .message(let message) = try link.receiver.receive(reusing: &spare, maximumFrames: 10) else {
                throw NothingReceived()
            }
            return message
        }
        try link.sender.deliver("first")
        let first = try next()
        spare = first
        try link.sender.deliver("second")
        #expect(try next().text == "second")
        #expect(first.text == "first")
        // A wait in vain gives the memory back.
        spare = Message("spare")
        guard case .nothing = try link.receiver.receive(reusing: &spare, maximumFrames: 10) else {
            throw NothingReceived()
        }
        #expect(spare?.isEmpty == true)
    }

    // MARK: Sending

    private struct Link: ~Copyable {
        let sender: Socket
        let receiver: Socket
    }

    private func pair() throws -> Link {
        let receiver = try Socket(.pair, in: context)
        try receiver.set(.receiveHighWaterMark, 0)
        try receiver.bind("inproc://pair")
        let sender = try Socket(.pair, in: context)
        try sender.set(.sendHighWaterMark, 0)
        try sender.connect("inproc://pair")
        return Link(sender: sender, receiver: receiver)
    }

    /// In the frame header, in libzmq's memory, and lent to libzmq.
    @Test(arguments: [0, 1, 33, 34, 1_023, 1_024, 1_025, 200_000])
    func messageThatOthersReferToStaysIntact(size: Int) throws {
        let link = try pair()
        let message = Message(frames: [Array("head".utf8), [UInt8](repeating: 5, count: size)])
        for _ in 0..<3 {
            var sent = message
            guard case .sent = try link.sender.send(&sent) else { throw NothingReceived() }
            #expect(message.map(\.count) == [4, size])
            #expect(message[1].bytes == [UInt8](repeating: 5, count: size))
        }
        for _ in 0..<3 { #expect(try link.receiver.next() == message) }
    }

    @Test func lentBytesOutliveTheMessage() throws {
        let link = try pair()
        let expected = [UInt8](repeating: 6, count: 100_000)
        do {
            let message = Message(expected)
            var sent = message
            _ = try link.sender.send(&sent)
            #expect(message[0].count == 100_000)
        }
        #expect(try link.receiver.next()[0].bytes == expected)
    }

    @Test func soleOwnersFramesAreMoved() throws {
        let link = try pair()
        var message = Message([UInt8](repeating: 5, count: 100_000))
        let address = message[0].withUnsafeBytes { UInt(bitPattern: $0.baseAddress) }
        guard case .sent = try link.sender.send(&message) else { throw NothingReceived() }
        #expect(message.byteCount == 0)
        let received = try link.receiver.next()
        #expect(received[0].withUnsafeBytes { UInt(bitPattern: $0.baseAddress) } == address)
    }

    @Test func replyBehindTheEnvelopeOfItsRequest() throws {
        let link = try pair()
        for reply in [Message("body"), Message(frames: ["a", "b"].map(\.utf8)), Message()] {
            var request = Message(frames: ["id", "", "question"].map(\.utf8))
            guard case .sent = try link.sender.send(reply, to: &request, bodyStart: 2) else { throw NothingReceived() }
            #expect(try link.receiver.next().map(\.text) == ["id", ""] + reply.map(\.text))
        }
        var bare: Message = "question"
        _ = try link.sender.send("alone", to: &bare, bodyStart: 0)
        #expect(try link.receiver.next().map(\.text) == ["alone"])
    }

    @Test(arguments: [10, 5_000])
    func echoOfARequestThatIsKept(size: Int) throws {
        let link = try pair()
        let kept = Message(frames: [Array("id".utf8), [], [UInt8](repeating: 3, count: size)])
        for _ in 0..<2 {
            var request = kept
            _ = try link.sender.send(request.rest(from: 2), to: &request, bodyStart: 2)
            #expect(try link.receiver.next() == kept)
            #expect(kept.map(\.count) == [2, 0, size])
        }
    }

    /// A reply may be any part of what was asked.
    @Test func replyThatIsAnotherPartOfItsRequest() throws {
        let link = try pair()
        var request = Message(frames: ["id", "", "first", "second"].map(\.utf8))
        let reply = request.rest(from: 3)
        _ = try link.sender.send(reply, to: &request, bodyStart: 2)
        #expect(try link.receiver.next().map(\.text) == ["id", "", "second"])
        #expect(reply.text == "second")
    }

    @Test func emptyMessageSendsNothing() throws {
        let link = try pair()
        var empty = Message()
        guard case .sent = try link.sender.send(&empty) else { throw NothingReceived() }
        try link.sender.deliver("next")
        #expect(try link.receiver.next().text == "next")
    }

    @Test func nobodyToSendToIsFull() throws {
        let socket = try Socket(.push, in: context)
        var message: Message = "text"
        guard case .full = try socket.send(&message) else { throw NothingReceived() }
        #expect(message.text == "text")
    }

    // MARK: ROUTER

    @Test func routerReportsAPeerThatIsNotThere() throws {
        let router = try Socket(.router, in: context)
        try router.set(.routerMandatory, 1)
        try router.bind("inproc://router")
        var message = Message(frames: ["nobody", "text"].map(\.utf8))
        guard case .noPeer = try router.send(&message) else { throw NothingReceived() }
        #expect(message.map(\.text) == ["nobody", "text"])
    }

    @Test func routerReportsAPeerThatDoesNotRead() throws {
        let router = try Socket(.router, in: context)
        try router.set(.routerMandatory, 1)
        try router.set(.sendHighWaterMark, 3)
        try router.bind("inproc://router")
        let slow = try Socket(.dealer, in: context)
        try slow.set(.receiveHighWaterMark, 3)
        try slow.connect("inproc://router")
        let quick = try Socket(.dealer, in: context)
        try quick.connect("inproc://router")
        try slow.deliver("hello")
        let slowID = try router.next()[0].bytes
        try quick.deliver("hello")
        let quickID = try router.next()[0].bytes
        var sent = 0
        while sent < 1_000 {
            var message = Message(frames: [slowID, Array("reply".utf8)])
            guard case .sent = try router.send(&message) else { break }
            sent += 1
        }
        #expect((3...6).contains(sent))
        // The next client is not held up.
        try router.deliver(Message(frames: [quickID, Array("reply".utf8)]))
        #expect(try quick.next().text == "reply")
        for _ in 0..<sent { #expect(try slow.next().text == "reply") }
    }

    // MARK: Errors

    @Test func errorsCarryOperationEndpointAndText() throws {
        let first = try Socket(.rep, in: context)
        try first.bind("tcp://127.0.0.1:*")
        let endpoint = try first.lastEndpoint
        let second = try Socket(.rep, in: context)
        let error = #expect(throws: ZeroMQError.self) { try second.bind(endpoint) }
        #expect(error?.operation == "bind")
        #expect(error?.subject == endpoint)
        #expect(error?.code == EADDRINUSE)
        #expect(error?.isAddressInUse == true)
        #expect(error.map { "\($0)" } == "bind \(endpoint): Address already in use")
    }

    @Test(arguments: ["nonsense", "tcp://", "tcp://127.0.0.1", "carrier-pigeon://coop"])
    func malformedEndpoints(endpoint: String) throws {
        let socket = try Socket(.rep, in: context)
        let bind = #expect(throws: ZeroMQError.self) { try socket.bind(endpoint) }
        #expect(bind?.subject == endpoint)
        let connect = #expect(throws: ZeroMQError.self) { try socket.connect(endpoint) }
        #expect(connect?.operation == "connect")
        #expect(connect?.isAddressInUse == false)
        let unbind = #expect(throws: ZeroMQError.self) { try socket.unbind(endpoint) }
        #expect(unbind?.operation == "unbind")
    }

    @Test func receiveInTheWrongStateNamesTheType() throws {
        let socket = try Socket(.req, in: context)
        let receiving = #expect(throws: ZeroMQError.self) { _ = try socket.receive() }
        #expect(receiving?.operation == "receive")
        #expect(receiving?.subject == "REQ")
        let reply = try Socket(.rep, in: context)
        let sending = #expect(throws: ZeroMQError.self) {
            var message: Message = "text"
            _ = try reply.send(&message)
        }
        #expect(sending?.operation == "send")
        #expect(sending?.subject == "REP")
    }

    @Test func errorWithoutASubject() {
        #expect("\(ZeroMQError("poll", code: EINVAL))" == "poll: Invalid argument")
    }

    // MARK: Options

    @Test func options() throws {
        let router = try Socket(.router, in: context)
        try router.set(.sendHighWaterMark, 7)
        try router.set(.receiveHighWaterMark, 7)
        try router.set(.reconnectInterval, 100)
        try router.set(.connectTimeout, 1_000)
        try router.set(.routerMandatory, 1)
        try router.set(.backlog, 10)
        try router.set(.maximumFrameSize, 1 << 40)
        let error = #expect(throws: ZeroMQError.self) { try router.set(.subscribe, "topic") }
        #expect(error?.operation == "set option")
        #expect(error?.subject == "ZMQ_SUBSCRIBE")
        #expect(throws: ZeroMQError.self) { try router.set(.sendHighWaterMark, -1) }
        let dealer = try Socket(.dealer, in: context)
        #expect(throws: ZeroMQError.self) { try dealer.set(.routerMandatory, 1) }
    }

    @Test func longerFrameThanAllowedCostsTheConnection() throws {
        let server = try Socket(.pull, in: context)
        try server.set(.maximumFrameSize, 1_000)
        try server.bind("tcp://127.0.0.1:*")
        let endpoint = try server.lastEndpoint
        let offender = try Socket(.push, in: context)
        try offender.connect(endpoint)
        try offender.deliver(Message([UInt8](repeating: 0, count: 1_001)))
        let other = try Socket(.push, in: context)
        try other.connect(endpoint)
        try other.deliver(Message([UInt8](repeating: 0, count: 1_000)))
        #expect(try server.next().byteCount == 1_000)
    }
}
