public import ArgumentParser
public import BinaryStar
public import Logging

extension Seat: ExpressibleByArgument {}
extension ConflictPolicy: ExpressibleByArgument {}

extension Logger.Level: @retroactive ExpressibleByArgument {}

/// Durations on the command line: a number with a unit, such as `250ms`, `1.5s` or `2m`.
extension Duration: @retroactive ExpressibleByArgument {
    public init?(argument: String) { self.init(text: argument) }

    public var defaultValueDescription: String {
        let milliseconds = self / .milliseconds(1)
        return milliseconds >= 1_000 && milliseconds.truncatingRemainder(dividingBy: 1_000) == 0
            ? "\(Int(milliseconds / 1_000))s" : "\(Int(milliseconds))ms"
    }
}
