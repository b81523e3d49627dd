import CZeroMQ

/// A ZeroMQ message: a few frames, sent and received as a whole.
///
/// A message is a value that never changes. Received frames stay in libzmq's own memory until somebody asks for a copy, and
/// slices share it. It is safe to read from any thread, and to keep.
///
/// Source: zguide, chapter 2, "Working with Messages".
public struct Message: @unchecked Sendable {
    // Sendable, because frames change only while one owner has the storage: before the message is handed out, and when
    // the storage is uniquely referenced.
    var storage: MessageStorage
    /// Which frames of the storage are this message's.
    private(set) var range: Range<Int>

    init(_ storage: MessageStorage) {
        self.storage = storage
        range = 0..<storage.count
    }

    /// A message with a copy of these frames.
    public init<Frames: Collection>(frames: Frames) where Frames.Element: Sequence<UInt8> {
        let storage = MessageStorage.make(capacity: Swift.max(1, frames.count))
        for frame in frames {
            let isContiguous: Void? = frame.withContiguousStorageIfAvailable {
                unsafe storage.append(UnsafeRawBufferPointer($0))
            }
            if isContiguous == nil {
                unsafe Array(frame).withUnsafeBytes { unsafe storage.append($0) }
            }
        }
        self.init(storage)
    }

    /// A message of one frame with these bytes.
    public init(_ bytes: some Sequence<UInt8>) {
        self.init(frames: CollectionOfOne(bytes))
    }

    /// A message of one frame with this text in UTF-8.
    public init(_ text: String) {
        self.init(text.utf8)
    }

    /// A message without frames.
    public init() {
        self.init(MessageStorage.make(capacity: 1))
    }

    /// The text of the first frame, or `nil` if there is no frame or its bytes are no UTF-8.
    public var text: String? { first?.text }

    /// For how many frames a message that is received has room at first: an identity, a header, a delimiter and two to spare.
    package static let usualFrames = 5

    /// Empty storage: that of `spare` if nobody else refers to it, else a new one.
    static func recycledStorage(_ spare: inout Message?) -> MessageStorage {
        guard var storage = spare.take()?.storage, isKnownUniquelyReferenced(&storage) else {
            return .make(capacity: usualFrames)
        }
        storage.removeAll()
        return storage
    }

    /// Whether this is the rest of `whole` from `index` on: the same frames in the same memory.
    package func isRest(of whole: borrowing Message, from index: Int) -> Bool {
        storage === whole.storage && range == whole.range.lowerBound + index..<whole.range.upperBound
    }

    /// The frames in front of a message that lead back to its sender.
    package struct Envelope: Sendable, Hashable {
        /// How many frames it has, the delimiter included: the index at which the body begins.
        package var count: Int
        /// Whether it ends with an empty frame, the delimiter.
        package var hasDelimiter: Bool
        /// About what it takes in memory, in bytes.
        package var cost: Int

        package init(count: Int, hasDelimiter: Bool, cost: Int) {
            self.count = count
            self.hasDelimiter = hasDelimiter
            self.cost = cost
        }
    }

    /// Finds the envelope. It ends with the first empty frame from `identityFrames` on; without one it is those frames.
    package func envelope(identityFrames: Int) -> Envelope {
        var cost = 0
        var costOfIdentity = 0
        for index in 0..<count {
            if index == identityFrames { costOfIdentity = cost }
            let size = storage.size(at: range.lowerBound + index)
            cost += size + Self.costOfFrame
            if size == 0, index >= identityFrames {
                return Envelope(count: index + 1, hasDelimiter: true, cost: cost)
            }
        }
        if identityFrames >= count { costOfIdentity = cost }
        return Envelope(count: Swift.min(identityFrames, count), hasDelimiter: false, cost: costOfIdentity)
    }

    /// Calls `body` with the bytes of a frame to write over them, if nobody else refers to the message and the frame has so many
    /// bytes; else returns false.
    package mutating func overwrite(
        _ index: Int, count: Int, _ body: (UnsafeMutableRawBufferPointer) -> Void
    ) -> Bool {
        precondition(index >= 0 && index < range.count, "frame index out of range")
        guard isKnownUniquelyReferenced(&storage) else { return false }
        let bytes = unsafe storage.bytes(at: range.lowerBound + index)
        guard bytes.count == count else { return false }
        unsafe body(UnsafeMutableRawBufferPointer(mutating: bytes))
        return true
    }

    /// A message without frames, without the memory for one.
    package static let none = Message()

    /// A copy with no more memory than its frames need: nothing of it is pinned to the buffers in which it was received.
    package var compactCopy: Message { prefixCopy(count) }

    /// A copy of the first `count` frames.
    package func prefixCopy(_ count: Int) -> Message {
        precondition(count >= 0 && count <= range.count, "frame index out of range")
        let copy = MessageStorage.make(capacity: Swift.max(1, count))
        for index in 0..<count { unsafe copy.append(storage.bytes(at: range.lowerBound + index)) }
        return Message(copy)
    }

    /// A copy with further frames.
    package func followed(by frames: [[UInt8]]) -> Message {
        let copy = MessageStorage.make(capacity: Swift.max(1, count + frames.count))
        for index in range { unsafe copy.append(storage.bytes(at: index)) }
        for frame in frames { unsafe frame.withUnsafeBytes { unsafe copy.append($0) } }
        return Message(copy)
    }

    /// Whether the message begins with the frames of `other`, which has `count` of them.
    package func starts(with other: borrowing Message, count: Int) -> Bool {
        guard other.range.count == count, range.count >= count else { return false }
        for index in 0..<count {
            guard storage.hasSameBytes(at: range.lowerBound + index, as: other.storage, other.range.lowerBound + index)
            else { return false }
        }
        return true
    }

    /// The frames from `index` on, as a message of their own that shares the memory of this one.
    public func rest(from index: Int) -> Message {
        var rest = self
        rest.removeFrames(before: index)
        return rest
    }

    /// Drops the frames before `index`, as ``rest(from:)`` does, without a second reference to the memory.
    package mutating func removeFrames(before index: Int) {
        precondition(index >= 0 && index <= range.count, "frame index out of range")
        range = range.lowerBound + index..<range.upperBound
    }

    /// How many bytes a frame has, for whoever needs no more of it.
    package func byteCount(ofFrame index: Int) -> Int {
        precondition(index >= 0 && index < range.count, "frame index out of range")
        return storage.size(at: range.lowerBound + index)
    }

    /// Calls `body` with the bytes of a frame, which are not copied. As ``Frame/withSpan(_:)``, without a ``Frame``, which would cost
    /// a reference to the storage.
    @inlinable
    package func withSpan<Result>(ofFrame index: Int, _ body: (Span<UInt8>) throws -> Result) rethrows -> Result {
        // The message keeps the bytes alive and unchanged until the call returns.
        try withExtendedLifetime(self) {
            try body(unsafe Span(_unsafeElements: bytesInPlace(ofFrame: index)))
        }
    }

    @usableFromInline
    func bytesInPlace(ofFrame index: Int) -> UnsafeBufferPointer<UInt8> {
        precondition(index >= 0 && index < range.count, "frame index out of range")
        return unsafe storage.octets(at: range.lowerBound + index)
    }

    /// About what the message takes in memory while it waits to be sent, in bytes: those of its frames, and libzmq's header
    /// for each of them.
    package var cost: Int {
        var cost = count * Self.costOfFrame
        for index in range { cost += storage.size(at: index) }
        return cost
    }

    /// libzmq's header of a frame, in bytes.
    private static var costOfFrame: Int { 64 }

    /// The number of bytes of all frames.
    public var byteCount: Int {
        var sum = 0
        for index in range { sum += storage.size(at: index) }
        return sum
    }
}

extension Message: RandomAccessCollection {
    public var startIndex: Int { 0 }
    public var endIndex: Int { range.count }

    public subscript(index: Int) -> Frame {
        precondition(index >= 0 && index < range.count, "frame index out of range")
        return Frame(storage: storage, index: range.lowerBound + index)
    }
}

extension Message: ExpressibleByStringLiteral {
    public init(stringLiteral text: String) {
        self.init(text)
    }
}

extension Message: Equatable {
    public static func == (left: Message, right: Message) -> Bool {
        left.count == right.count && left.starts(with: right, count: right.count)
    }
}

extension Message: CustomStringConvertible {
    /// The frames' texts or lengths, for logs: a long message is cut short.
    public var description: String {
        let shown = prefix(8).map(\.description).joined(separator: " ")
        return count > 8 ? "[\(shown) … \(count) frames]" : "[\(shown)]"
    }
}
