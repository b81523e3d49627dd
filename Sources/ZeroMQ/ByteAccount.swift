import Synchronization

/// The bytes that libzmq holds on their way to one receiver, in large frames. Any thread may use it.
///
/// libzmq's high-water mark counts messages, whatever their size; this bounds the memory that a receiver that does not read
/// can cost.
package final class ByteAccount: Sendable {
    private let bytes = Atomic(0)

    package init() {}

    /// How many bytes are on their way.
    package var outstanding: Int { bytes.load(ordering: .relaxed) }

    func add(_ count: Int) { bytes.add(count, ordering: .relaxed) }

    func subtract(_ count: Int) { bytes.subtract(count, ordering: .relaxed) }

    /// Frames from this size on are counted, in bytes. Smaller ones are bounded by the number of messages.
    package static let smallestFrame = 1_024
}

/// A frame's bytes while libzmq sends them: keeps them alive, and counts them.
final class Loan {
    private let storage: MessageStorage
    private let account: ByteAccount?
    private let count: Int

    init(_ count: Int, of storage: MessageStorage, account: ByteAccount?) {
        self.storage = storage
        self.account = account
        self.count = count
        account?.add(count)
    }

    deinit {
        account?.subtract(count)
    }
}
