import BinaryStarCore
import TestSupport
import Testing

@Suite struct HeartbeatTests {
    private func decode(_ frames: String...) -> Result<Heartbeat, HeartbeatRejection> {
        decodeFrames(frames.map { Array($0.utf8) })
    }

    private func decode(_ frames: [[UInt8]]) -> Result<Heartbeat, HeartbeatRejection> { decodeFrames(frames) }

    @Test("A heartbeat is one frame with one ASCII digit, `1` to `4`", arguments: Role.allCases)
    func roundTrip(role: Role) {
        #expect(Heartbeat(role: role).frames == [[UInt8(ascii: "0") + role.rawValue]])
        #expect(decode(Heartbeat(role: role).frames) == .success(Heartbeat(role: role)))
    }

    @Test func emptyFrame() {
        #expect(decode("") == .failure(.empty))
        #expect(decode("", "x") == .failure(.empty))
    }

    @Test(arguments: ["0", "5", "9", "abc", "3x", "x3", "33", " 3", "3 ", "3\n", "3\0", "+3", "-3", "03", "٣", "３"])
    func textThatIsNoRole(text: String) {
        #expect(decode(text) == .failure(.notARole))
    }

    @Test func everyOtherByte() {
        for byte in UInt8.min...UInt8.max where !(UInt8(ascii: "1")...UInt8(ascii: "4")).contains(byte) {
            #expect(decode([[byte]]) == .failure(.notARole))
        }
    }

    @Test func binary() {
        #expect(decode([[3]]) == .failure(.notARole))
        #expect(decode([[0xFF, 0x00, 0xFE, 0x33]]) == .failure(.notARole))
        #expect(decode([[3, 0, 0, 0]]) == .failure(.notARole))
    }

    @Test func aMegabyte() {
        #expect(decode([[UInt8](repeating: UInt8(ascii: "3"), count: 1 << 20)]) == .failure(.notARole))
    }

    @Test(arguments: [3, 4, 1_000])
    func manyFrames(count: Int) {
        #expect(decode([[UInt8]](repeating: Array("3".utf8), count: count)) == .failure(.tooManyFrames))
    }

    @Test("A newer peer adds a second frame", arguments: ["B", "BSTAR", "BST", "", "\u{1}\u{2}", "x3", ":3"])
    func goodExtension(text: String) {
        #expect(decode("3", text) == .success(Heartbeat(role: .active)))
    }

    @Test("whose first byte can begin no number", arguments: ["4", "0", "9x", "+4", "-4", " 4", "\t4", "\n4", "\r4"])
    func numericExtension(text: String) {
        #expect(decode("3", text) == .failure(.extensionIsNumeric))
    }

    @Test func lengthOfTheExtension() {
        let longest = [UInt8](repeating: UInt8(ascii: "x"), count: Heartbeat.maximumExtensionLength)
        #expect(decode([Array("3".utf8), longest]) == .success(Heartbeat(role: .active)))
        #expect(decode([Array("3".utf8), longest + [0]]) == .failure(.extensionTooLong))
    }

    @Test func badRoleWithGoodExtension() {
        #expect(decode("9", "BSTAR") == .failure(.notARole))
    }

    @Test func randomBytesNeverTrapAndAreReadByTheRule() {
        var generator = SeededGenerator(seed: .fromEnvironmentOrRandom())
        for _ in 0..<50_000 {
            let frames = (0..<Int.random(in: 1...4, using: &generator)).map { _ in
                (0..<Int.random(in: 0...3, using: &generator)).map { _ in
                    UInt8.random(in: 0x28...0x40, using: &generator)
                }
            }
            let isRole = frames[0].count == 1 && (0x31...0x34).contains(frames[0][0])
            let isExtensionGood =
                frames.count == 1
                || frames.count == 2 && frames[1].first.map { !("0123456789+-".utf8.contains($0)) } ?? true
            switch decode(frames) {
            case .success(let heartbeat):
                #expect(isRole && isExtensionGood)
                #expect(heartbeat.frames[0] == frames[0])
            case .failure: #expect(!(isRole && isExtensionGood))
            }
        }
    }
}
