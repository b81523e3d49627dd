// Integers in network byte order, as every message of ours carries them.

extension [UInt8] {
    mutating func append(bigEndian number: UInt64) {
        Swift.withUnsafeBytes(of: number.bigEndian) { append(contentsOf: $0) }
    }
}

extension Span<UInt8> {
    /// The integer in the eight bytes from `offset` on, which must be there.
    func bigEndian(at offset: Int) -> UInt64 { bigEndian(at: offset, count: 8) }

    /// The integer in `count` bytes from `offset` on, which must be there; at most eight.
    ///
    /// Always inlined, so that with a constant count it is an instruction or two; and so is
    /// `store(bigEndian:count:at:)`.
    @inline(__always)
    func bigEndian(at offset: Int, count: Int) -> UInt64 {
        var number: UInt64 = 0
        for index in offset..<offset + count { number = number << 8 | UInt64(self[index]) }
        return number
    }
}

extension UnsafeMutableRawBufferPointer {
    /// Stores the low `count` bytes of an integer from `offset` on, where there must be room.
    @inline(__always)
    func store(bigEndian number: UInt64, count: Int, at offset: Int) {
        var rest = number
        for index in (offset..<offset + count).reversed() {
            self[index] = UInt8(truncatingIfNeeded: rest)
            rest >>= 8
        }
    }
}
