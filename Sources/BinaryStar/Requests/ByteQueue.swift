import DequeModule

/// Bytes in the order in which they came, in pieces of one size: they are copied in once, neither growth nor removal moves them,
/// and there is no allocation for a few of them.
struct ByteQueue {
    /// The piece with the byte at ``start``, and all behind it.
    private var pieces = Deque<[UInt8]>()
    /// The last piece that was emptied, for the next one that is needed.
    private var spare: [UInt8]?
    /// The positions of the first byte, and behind the last one. A byte keeps its position, counted from the first that there
    /// ever was.
    private(set) var start = 0
    private(set) var end = 0

    private static let pieceSize = 4_096

    var count: Int { end - start }

    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let (index, offset) = place(of: end)
            if index == pieces.count {
                pieces.append(spare.take() ?? [UInt8](repeating: 0, count: Self.pieceSize))
            }
            let some = rest.prefix(Self.pieceSize - offset)
            pieces[index].withUnsafeMutableBytes { piece in
                UnsafeMutableRawBufferPointer(rebasing: piece[offset...])
                    .copyMemory(from: UnsafeRawBufferPointer(rebasing: some))
            }
            end += some.count
            rest = rest.dropFirst(some.count)
        }
    }

    /// A copy of the bytes at these positions, which must be there.
    func bytes(_ positions: Range<Int>) -> [UInt8] {
        precondition(positions.lowerBound >= start && positions.upperBound <= end, "no such bytes")
        var bytes: [UInt8] = []
        bytes.reserveCapacity(positions.count)
        while bytes.count < positions.count {
            let (index, offset) = place(of: positions.lowerBound + bytes.count)
            bytes += pieces[index][offset...].prefix(positions.count - bytes.count)
        }
        return bytes
    }

    mutating func removeFirst(_ count: Int) {
        precondition(count <= self.count, "no such bytes")
        for _ in 0..<place(of: start + count).index { spare = pieces.popFirst() }
        start += count
    }

    private func place(of position: Int) -> (index: Int, offset: Int) {
        (position / Self.pieceSize - start / Self.pieceSize, position % Self.pieceSize)
    }
}
