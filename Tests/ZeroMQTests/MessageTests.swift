import Testing

@testable import ZeroMQ

@Suite struct MessageTests {
    /// Sends a message through libzmq, so that its frames are libzmq's own.
    private func received(_ message: Message) throws -> Message {
        let context = try Context()
        let receiver = try Socket(.pair, in: context)
        try receiver.bind("inproc://message")
        let sender = try Socket(.pair, in: context)
        try sender.connect("inproc://message")
        try sender.deliver(message)
        return try receiver.next()
    }

    @Test func frames() {
        let message = Message(frames: [Array("one".utf8), [], [0, 255]])
        #expect(message.count == 3)
        #expect(message[0].text == "one")
        #expect(message[1].isEmpty)
        #expect(message[2].bytes == [0, 255])
        #expect(message.byteCount == 5)
        #expect(message.map(\.count) == [3, 0, 2])
    }

    @Test func oneFrame() {
        #expect(Message("text").map(\.text) == ["text"])
        #expect(Message([1, 2, 3] as [UInt8])[0].bytes == [1, 2, 3])
        #expect(("literal" as Message).text == "literal")
        #expect(Message("").count == 1)
    }

    @Test func noFrames() {
        #expect(Message().isEmpty)
        #expect(Message().text == nil)
        #expect(Message().byteCount == 0)
        #expect(Message(frames: [[UInt8]]()).isEmpty)
    }

    /// A sequence whose bytes are not in one piece.
    @Test func framesOfAnySequence() {
        let message = Message(frames: [AnySequence([7, 8, 9] as [UInt8]), AnySequence([])])
        #expect(message.map(\.bytes) == [[7, 8, 9], []])
        #expect(Message(repeatElement(1 as UInt8, count: 100))[0].bytes == [UInt8](repeating: 1, count: 100))
    }

    @Test func textThatIsNoUnicode() {
        #expect(Message([0xC3, 0x28] as [UInt8]).text == nil)
        #expect(Message("größer ∞").text == "größer ∞")
        #expect(Message([] as [UInt8]).text == "")
    }

    @Test func restOfAMessage() throws {
        let sent = Message(frames: ["a", "", "b", "c"].map(\.utf8))
        for message in [sent, try received(sent)] {
            let rest = message.rest(from: 2)
            #expect(rest.map(\.text) == ["b", "c"])
            #expect(rest.text == "b")
            #expect(rest.startIndex == 0 && rest.endIndex == 2)
            #expect(rest[1].text == "c")
            #expect(rest.rest(from: 1).text == "c")
            #expect(message.rest(from: 0) == message)
            #expect(message.rest(from: 4).isEmpty)
            #expect(message.rest(from: 4).text == nil)
        }
    }

    @Test func restsAndCopiesShareTheBytes() throws {
        let message = try received(Message(frames: [[1], [UInt8](repeating: 7, count: 100_000)]))
        let address = message[1].withUnsafeBytes { UInt(bitPattern: $0.baseAddress) }
        let rest = message.rest(from: 1)
        #expect(rest[0].withUnsafeBytes { UInt(bitPattern: $0.baseAddress) } == address)
        let copy = message
        #expect(copy[1].withUnsafeBytes { UInt(bitPattern: $0.baseAddress) } == address)
    }

    @Test func frameKeepsTheBytesAlive() throws {
        var message: Message? = try received(Message(frames: [[1], [UInt8](repeating: 7, count: 100_000)]))
        let frame = message?[1]
        message = nil
        #expect(frame?.bytes == [UInt8](repeating: 7, count: 100_000))
    }

    @Test func knowsItsOwnRest() {
        let message = Message(frames: ["a", "", "b"].map(\.utf8))
        #expect(message.rest(from: 2).isRest(of: message, from: 2))
        #expect(!message.rest(from: 2).isRest(of: message, from: 1))
        #expect(message.rest(from: 2).isRest(of: message.rest(from: 1), from: 1))
        #expect(!Message("b").isRest(of: message, from: 2))
    }

    @Test func envelopes() {
        let message = Message(frames: ["id", "x", "", "body", ""].map(\.utf8))
        let costs = [66, 131, 195, 263, 327]
        let toTheFirstDelimiter = Message.Envelope(count: 3, hasDelimiter: true, cost: costs[2])
        #expect(message.envelope(identityFrames: 0) == toTheFirstDelimiter)
        #expect(message.envelope(identityFrames: 2) == toTheFirstDelimiter)
        // An empty frame among the identities is none.
        #expect(
            message.envelope(identityFrames: 3) == Message.Envelope(count: 5, hasDelimiter: true, cost: costs[4]))
        // A slice counts its own frames.
        #expect(
            message.rest(from: 3).envelope(identityFrames: 0)
                == Message.Envelope(count: 2, hasDelimiter: true, cost: costs[4] - costs[2]))
    }

    @Test(arguments: 0...3)
    func envelopeWithoutADelimiter(identityFrames: Int) {
        let envelope = Message(frames: ["id", "body"].map(\.utf8)).envelope(identityFrames: identityFrames)
        let expected = min(identityFrames, 2)
        #expect(envelope == Message.Envelope(count: expected, hasDelimiter: false, cost: [0, 66, 134][expected]))
    }

    @Test func equality() throws {
        let message = Message(frames: ["a", "b"].map(\.utf8))
        #expect(message == Message(frames: ["a", "b"].map(\.utf8)))
        #expect(try message == received(message))
        #expect(message != Message(frames: ["a"].map(\.utf8)))
        #expect(message != Message(frames: ["a", "c"].map(\.utf8)))
        #expect(message != Message(frames: ["ab", ""].map(\.utf8)))
        #expect(Message() == message.rest(from: 2))
        #expect(message.rest(from: 1) == Message("b"))
    }

    @Test(
        "texts or lengths, cut short",
        arguments: [
            (Message(frames: ["id", "", "hello"].map(\.utf8)), #"["id" "" "hello"]"#),
            (Message([0, 1, 2] as [UInt8]), "[3 bytes]"),
            (Message("tab\t"), "[4 bytes]"),
            (Message(String(repeating: "x", count: 65)), "[65 bytes]"),
            (Message(), "[]"),
            (
                Message(frames: (0..<9).map { "\($0)".utf8 }),
                #"["0" "1" "2" "3" "4" "5" "6" "7" … 9 frames]"#
            ),
        ])
    func description(message: Message, expected: String) {
        #expect("\(message)" == expected)
    }

    @Test(arguments: [1, 4, 5, 6, 11, 12, 100, 1_000])
    func anyNumberOfFrames(count: Int) throws {
        let message = Message(frames: (0..<count).map { "frame \($0)".utf8 })
        #expect(message.count == count)
        let received = try received(message)
        #expect(received == message)
        #expect(received.last?.text == "frame \(count - 1)")
    }

    @Test func readFromManyThreads() async throws {
        let message = try received(Message(frames: [Array("small".utf8), [UInt8](repeating: 9, count: 50_000)]))
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<50 {
                group.addTask { message[0].text == "small" && message[1].bytes.allSatisfy { $0 == 9 } }
            }
            for await isIntact in group { #expect(isIntact) }
        }
    }
}
