// Integers in network byte order, as every message of ours carries them.

extension [UInt8] {
    mutating func append(bigEndian number: UInt64) {
        Swift.withUnsafeBytes(of: number.bigEndian) { append(contentsOf: $0) }
    }
}

extension Span<UInt8> {
    /// The integer in the eight bytes from `offset` on, which must be there.
    func bigEndian(at offset: Int) -> UInt64 {
        (offset..<offset + 8).reduce(0) { $0 << 8 | UInt64(self[$1]) }
    }
}
