public import ArgumentParser
public import BinaryStar
public import Logging

extension Seat: ExpressibleByArgument {}
extension ConflictPolicy: ExpressibleByArgument {}

extension Logger.Level: @retroactive ExpressibleByArgument {}

/// Durations on the command line: a number with a unit, such as `250ms`, `1.5s` or `2m`.
extension Duration: @retroactive ExpressibleByArgument {
    public init?(argument: String) {
        let units: [(suffix: String, seconds: Double)] = [
            ("ms", 0.001), ("us", 0.000_001), ("s", 1), ("m", 60), ("h", 3_600),
        ]
        guard let unit = units.first(where: { argument.hasSuffix($0.suffix) }),
            let number = Double(argument.dropLast(unit.suffix.count)), number.isFinite, number >= 0,
            number * unit.seconds < 1e9
        else { return nil }
        self = .seconds(number * unit.seconds)
    }

    public var defaultValueDescription: String {
        let milliseconds = self / .milliseconds(1)
        return milliseconds >= 1_000 && milliseconds.truncatingRemainder(dividingBy: 1_000) == 0
            ? "\(Int(milliseconds / 1_000))s" : "\(Int(milliseconds))ms"
    }
}
