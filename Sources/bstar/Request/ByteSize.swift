import ArgumentParser

/// A number of bytes on the command line, such as `100`, `4KiB` or `1MiB`.
struct ByteSize: ExpressibleByArgument, Hashable {
    var bytes: Int

    init(bytes: Int) { self.bytes = bytes }

    init?(argument: String) {
        let units = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("B", 1)]
        let unit = units.first { argument.hasSuffix($0.0) }
        let digits = argument.dropLast(unit?.0.utf8.count ?? 0)
        // A sign is no part of a size.
        guard digits.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let number = Int(digits)
        else { return nil }
        let (bytes, overflow) = number.multipliedReportingOverflow(by: unit?.1 ?? 1)
        if overflow { return nil }
        self.bytes = bytes
    }

    /// What a server takes at most in one frame, unless it was told otherwise.
    static let largest = ByteSize(bytes: 64 << 20)
}
