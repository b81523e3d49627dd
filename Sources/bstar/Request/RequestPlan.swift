import ArgumentParser
import BinaryStar

/// What the options of `bstar request` mean together.
struct RequestPlan {
    /// What is shown, apart from interruptions and the summary.
    enum Output: Hashable {
        case each, seconds, bodies, json, nothing

        /// What is shown of single requests.
        var outcomes: Ledger.Outcomes {
            switch self {
            case .each, .bodies, .json: .all
            case .seconds: .firstFailures
            case .nothing: .none
            }
        }
    }

    var pace: Pace
    /// How many requests may be in flight.
    var inFlight: Int
    var payload: Payload
    /// Whether replies are shown in the order of the requests.
    var isOrdered: Bool
    var output: Output
    var report: any RequestReport

    /// Above as many requests a second, not each is shown.
    static let eachPerSecond = 10
    /// Up to as many requests in all, each is.
    static let eachInAll = 20
    /// How many requests an open loop leaves waiting, unless it is told otherwise.
    static let openLoopLimit = 10_000
    static let maximumInFlight = 100_000
    static let maximumRate = 1_000_000.0

    /// - Throws: `ValidationError` that says which options do not go together, or which value is out of range.
    init(_ command: RequestCommand) throws {
        try Self.checkValues(of: command)
        try Self.checkCombinations(of: command)
        let readsLines = command.text == "-"
        if let rate = command.rate {
            pace = .rate(rate)
        } else if let every = command.every {
            pace = .every(every)
        } else if command.inFlight != nil || readsLines {
            pace = .unpaced
        } else {
            pace = .every(.seconds(1))
        }
        inFlight = command.inFlight ?? (command.rate == nil ? 1 : Self.openLoopLimit)
        payload =
            if readsLines {
                .lines(StandardInput())
            } else if let text = command.text {
                .same(Message(text))
            } else {
                command.payload.map { .filler($0) } ?? .number
            }
        isOrdered = readsLines
        output = Self.output(of: command, pace: pace)
        if command.json {
            report = JSONReport(showsBodies: command.payload == nil)
        } else {
            report = HumanReport(
                detail: output, talksOnError: readsLines, isOpenLoop: command.rate != nil)
        }
    }

    private static func output(of command: RequestCommand, pace: Pace) -> Output {
        if command.quiet { return .nothing }
        if command.json { return .json }
        if command.text == "-" { return .bodies }
        let isSlow = pace.perSecond.map { $0 <= Double(eachPerSecond) } ?? false
        let areFew = command.count.map { $0 <= eachInAll } ?? false
        return command.each || isSlow || areFew ? .each : .seconds
    }

    private static func checkValues(of command: RequestCommand) throws {
        if let count = command.count, count < 1 { throw ValidationError("--count is \(count), but must be at least 1") }
        if let rate = command.rate, !(rate * 86_400 >= 1 && rate <= maximumRate) {
            throw ValidationError("--rate is \(rate), but must be from 1 a day to \(Int(maximumRate)) a second")
        }
        if let inFlight = command.inFlight, !(1...maximumInFlight).contains(inFlight) {
            throw ValidationError("--in-flight is \(inFlight), but must be from 1 to \(maximumInFlight)")
        }
        if let payload = command.payload, payload.bytes > ByteSize.largest.bytes {
            throw ValidationError("--payload is \(payload.bytes) bytes, but must be at most 64MiB")
        }
        guard command.timeout > .zero else { throw ValidationError("--timeout must be above zero") }
        guard command.gap > .zero else { throw ValidationError("--gap must be above zero") }
    }

    private static func checkCombinations(of command: RequestCommand) throws {
        if command.rate != nil, command.every != nil {
            throw ValidationError("--rate and --every both set the pace; leave one out")
        }
        if command.every != nil, command.inFlight != nil {
            throw ValidationError("--every sends one request at a time; with --in-flight use --rate, or no pace at all")
        }
        if command.plain, command.inFlight ?? 1 > 1 {
            throw ValidationError(
                "--plain has one request in flight, because replies cannot be told apart; leave out --in-flight")
        }
        if command.payload != nil, let text = command.text {
            throw ValidationError(
                text == "-"
                    ? "--payload and - both say what to send; leave one out"
                    : "--payload and the text \"\(text)\" both say what to send; leave one out")
        }
        let outputs = [("--json", command.json), ("--each", command.each)].filter(\.1).map(\.0)
        if outputs.count > 1 { throw ValidationError("--json shows each request anyway; leave out --each") }
        if command.quiet, command.each {
            throw ValidationError("--quiet and --each contradict each other; leave one out")
        }
    }
}
