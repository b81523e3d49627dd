import BinaryStar
import BinaryStarCore
import Testing

@testable import bstar

@Suite struct WatchTests {
    private func model() throws -> WatchModel {
        let view = try pair(status(.primary, .active, peer: .passive), status(.backup, .passive, peer: .active))
        return WatchModel(view, at: at(0))
    }

    @Test func aGapLastsFromTheLastLookThatSawAServer() throws {
        var model = try model()
        let failing = try pair(status(.backup, .passive, peer: .active), failures: 1)
        // The backup still hears the primary; but that one was asked itself before, and does not answer.
        model.add(failing, at: at(100))
        model.add(failing, at: at(200))
        #expect(model.gap == .milliseconds(200))
        model.add(try pair(status(.backup, .active, term: 1_795_624_989_231, peer: .active), failures: 1), at: at(300))
        #expect(model.gap == nil && model.lastGap?.length == .milliseconds(300))
        #expect(model.isMissingRecords)
        #expect(model.cells[.primary]?.map(\.isServing) == [true, false, false, false])
        #expect(model.cells[.primary]?.last?.heartbeats == nil && model.cells[.backup]?.last?.heartbeats == 0)
    }

    @Test func ratesAndHeartbeatsAreDifferences() throws {
        var model = try model()
        model.add(
            try pair(
                status(.primary, .active, peer: .passive, admitted: 1_234_667, received: 12),
                status(.backup, .passive, peer: .active)), at: at(100))
        #expect(model.rates == [1_000] && model.rate(every: .milliseconds(100)) == 1_000)
        #expect(model.cells[.primary]?.map(\.heartbeats) == [0, 2])
        // A server that has started again counts from zero.
        model.add(try pair(status(.primary, .primary, admitted: 0, received: 0, incarnation: 8)), at: at(200))
        #expect(model.rates.last == 0)
        for step in 3..<1_000 { model.add(model.view, at: at(step * 100)) }
        #expect(model.rates.count == WatchModel.capacity && model.cells[.backup]?.count == WatchModel.capacity)
    }

    @Test(arguments: [(80, 24), (40, 12), (200, 60), (1, 1), (13, 3)])
    func thePictureFits(_ width: Int, _ height: Int) throws {
        var model = try model()
        for step in 1..<300 { model.add(model.view, at: at(step * 100)) }
        let lines = WatchScreen(model: model, period: .milliseconds(100), time: noon).lines(
            width: width, height: height)
        #expect(lines.count <= height && lines.allSatisfy { $0.text.count <= width })
        guard width == 80 else { return }
        let text = lines.map(\.text).joined(separator: "\n")
        #expect(text.contains("q quits") && text.contains("ACTIVE for 1 h 2 min") && text.contains("PPPPP"))
        #expect(text.contains("last events\nnone yet"))
    }

    @Test func withoutATerminalItTellsChangesAndALineASecond() throws {
        var model = try model()
        var plain = PlainWatch()
        #expect(plain.lines(model, every: .milliseconds(100)).count == 1)
        #expect(plain.lines(model, every: .milliseconds(100)).isEmpty)
        model.add(try pair(status(.backup, .passive, peer: .active), failures: 1), at: at(100))
        #expect(plain.lines(model, every: .milliseconds(100)).map { $0.suffix(13) } == ["NOBODY SERVES"])
        model.add(try pair(status(.backup, .active, peer: .active), failures: 1), at: at(1_100))
        let lines = plain.lines(model, every: .milliseconds(100))
        #expect(lines.count == 2 && lines[0].hasSuffix("served again after about 1.10 s"))
    }

    @Test func barsAreScaledToTheHighest() {
        #expect(WatchScreen.bars([0, 1, 8]) == " ▁█")
        #expect(WatchScreen.bars([0, 0]) == ".." && WatchScreen.bars([]) == "")
    }
}
