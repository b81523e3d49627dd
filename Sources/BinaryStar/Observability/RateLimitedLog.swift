package import BinaryStarCore
package import Logging

/// Lets one line a period through for each subject, and says with it how many were held back: what the network sends must
/// not fill the log.
package struct RateLimitedLog: Sendable {
    private struct Record {
        var nextAllowed: MonotonicTime
        var suppressed: Int
    }

    private var records: [String: Record] = [:]
    private let period = Duration.seconds(5)

    package init() {}

    /// Logs a warning unless the subject had one less than a period ago.
    ///
    /// - Parameter subject: one of a few constants, never text from the network: each one takes memory.
    package mutating func warning(
        _ subject: String,
        to logger: Logger,
        at now: MonotonicTime,
        metadata: @autoclosure () -> Logger.Metadata = [:]
    ) {
        var record = records[subject] ?? Record(nextAllowed: now, suppressed: 0)
        if now >= record.nextAllowed {
            var metadata = metadata()
            if record.suppressed > 0 { metadata[LogKey.suppressed] = "\(record.suppressed)" }
            logger.warning("\(subject)", metadata: metadata)
            record = Record(nextAllowed: now + period, suppressed: 0)
        } else {
            record.suppressed += 1
        }
        records[subject] = record
    }
}
