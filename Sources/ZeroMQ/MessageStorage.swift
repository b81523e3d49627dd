import CZeroMQ

/// The frames of a message, in one heap object: libzmq's own 64-byte frame headers, in line.
///
/// A message from the network keeps its bytes where libzmq received them, inside the header up to 33 bytes and in
/// libzmq's buffer above. Once a message is handed out its frames never change, so that any thread may read them; only
/// the sole owner takes them out, to send them.
final class MessageStorage: ManagedBuffer<MessageStorage.Counts, zmq_msg_t> {
    struct Counts {
        /// How many frames the message has.
        var frames = 0
        /// How many frame headers libzmq has initialised. Those behind the message's frames are left of an earlier one.
        var initialized = 0
        let capacity: Int
    }

    static func make(capacity: Int) -> MessageStorage {
        // `create` returns the class that it was called on.
        unsafe unsafeDowncast(
            create(minimumCapacity: capacity) { _ in Counts(capacity: capacity) }, to: MessageStorage.self)
    }

    deinit {
        for index in 0..<(unsafe counts.pointee.initialized) { unsafe zmq_msg_close(frame(at: index)) }
    }

    /// The counts in place. Reading them through `header` would cost a check for exclusive access each time.
    private var counts: UnsafeMutablePointer<Counts> { unsafe withUnsafeMutablePointerToHeader { unsafe $0 } }

    var count: Int { unsafe counts.pointee.frames }
    var isFull: Bool { unsafe counts.pointee.frames == counts.pointee.capacity }

    /// Whether libzmq says that further frames of the same message follow the last one.
    var lastFrameHasMore: Bool {
        unsafe zmq_msg_more(frame(at: count - 1)) != 0
    }

    func frame(at index: Int) -> UnsafeMutablePointer<zmq_msg_t> {
        // The elements stay where they are for the life of the object, and `index` is below `count`.
        unsafe withUnsafeMutablePointerToElements { unsafe $0 + index }
    }

    /// Appends an initialised frame without bytes, for libzmq to receive into. There must be room.
    func appendEmptyFrame() -> UnsafeMutablePointer<zmq_msg_t> {
        let counts = unsafe counts
        let slot = unsafe frame(at: counts.pointee.frames)
        if unsafe counts.pointee.frames == counts.pointee.initialized {
            unsafe zmq_msg_init(slot)
            unsafe counts.pointee.initialized += 1
        }
        unsafe counts.pointee.frames += 1
        return unsafe slot
    }

    /// Appends a frame with a copy of `bytes`. There must be room.
    func append(_ bytes: UnsafeRawBufferPointer) {
        let slot = unsafe appendEmptyFrame()
        unsafe zmq_msg_close(slot)
        unsafe Self.initialize(slot, copying: bytes)
    }

    private static func initialize(_ slot: UnsafeMutablePointer<zmq_msg_t>, copying bytes: UnsafeRawBufferPointer) {
        let status = unsafe zmq_msg_init_size(slot, bytes.count)
        precondition(status == 0, "out of memory for a frame of \(bytes.count) bytes")
        guard let source = bytes.baseAddress else { return }
        unsafe zmq_msg_data(slot).copyMemory(from: source, byteCount: bytes.count)
    }

    /// Forgets the last frame. Its header stays initialised.
    func removeLastFrame() { unsafe counts.pointee.frames -= 1 }

    /// Forgets all frames. What they hold goes when the next message is received into them.
    func removeAll() { unsafe counts.pointee.frames = 0 }

    /// How many bytes the frame has.
    func size(at index: Int) -> Int { unsafe zmq_msg_size(frame(at: index)) }

    /// Storage of twice the size with the frames of this one, which is left empty.
    func grown() -> MessageStorage {
        let larger = MessageStorage.make(capacity: unsafe counts.pointee.capacity * 2)
        for index in 0..<count {
            unsafe zmq_msg_move(larger.appendEmptyFrame(), frame(at: index))
        }
        return larger
    }

    func bytes(at index: Int) -> UnsafeRawBufferPointer {
        let frame = unsafe frame(at: index)
        return unsafe UnsafeRawBufferPointer(start: zmq_msg_data(frame), count: zmq_msg_size(frame))
    }

    func octets(at index: Int) -> UnsafeBufferPointer<UInt8> { unsafe bytes(at: index).bindMemory(to: UInt8.self) }

    func hasSameBytes(at index: Int, as other: MessageStorage, _ otherIndex: Int) -> Bool {
        let mine = unsafe bytes(at: index)
        let theirs = unsafe other.bytes(at: otherIndex)
        guard mine.count == theirs.count else { return false }
        guard let left = mine.baseAddress, let right = theirs.baseAddress else { return true }
        return withExtendedLifetime((self, other)) { unsafe memcmp(left, right, mine.count) == 0 }
    }

    // MARK: Sending without giving up the frames

    /// From this size on, in bytes, a frame that is not moved is lent to libzmq instead of copied.
    private static let smallestLoan = 1_024

    /// Calls `send` with a frame that has the bytes of the one at `index`, and leaves that one as it is. Small frames are
    /// copied; the bytes of large ones are lent to libzmq, which keeps this object alive until it has sent them.
    ///
    /// A frame that carries a charge is lent whatever its size.
    ///
    /// libzmq's own `zmq_msg_copy` would write to the frame that it copies, which other threads may be reading.
    func withSendableCopy(
        at index: Int,
        charge: Charge?,
        _ send: (UnsafeMutablePointer<zmq_msg_t>) -> Int32
    ) -> Int32 {
        let bytes = unsafe bytes(at: index)
        var copy = zmq_msg_t()
        if bytes.count < Self.smallestLoan, charge == nil {
            unsafe Self.initialize(&copy, copying: bytes)
        } else {
            unsafe lend(bytes, as: &copy, charge: charge)
        }
        let status = unsafe send(&copy)
        // A frame that was sent is empty by now; one that was not gives its loan back.
        unsafe zmq_msg_close(&copy)
        return status
    }

    private func lend(_ bytes: UnsafeRawBufferPointer, as frame: inout zmq_msg_t, charge: Charge?) {
        let loan = unsafe Unmanaged.passRetained(Loan(of: self, charge: charge))
        let status = unsafe zmq_msg_init_data(
            &frame, UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count,
            { _, hint in
                guard let hint = unsafe hint else { return }
                unsafe Unmanaged<Loan>.fromOpaque(hint).release()
            }, loan.toOpaque())
        precondition(status == 0, "out of memory for a frame header")
    }
}
