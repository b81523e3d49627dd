import Synchronization

/// The memory that messages on their way to one receiver take, in bytes. Any thread may use it.
///
/// libzmq's high-water mark counts messages, whatever their size; this bounds what a receiver that does not read can cost.
package final class ByteAccount: Sendable {
    private let bytes = Atomic(0)

    package init() {}

    /// How many bytes are on their way.
    package var outstanding: Int { bytes.load(ordering: .relaxed) }

    func add(_ count: Int) { bytes.add(count, ordering: .relaxed) }

    func subtract(_ count: Int) { bytes.subtract(count, ordering: .relaxed) }

    /// Messages from this cost on are counted, in bytes. Smaller ones are bounded well enough by their number.
    package static var smallestCost: Int { 1_024 }
}

/// A frame's bytes while libzmq sends them: keeps them alive, and keeps the cost of their message on an account.
final class Loan {
    private let storage: MessageStorage
    private let charge: Charge?

    init(of storage: MessageStorage, charge: Charge?) {
        self.storage = storage
        self.charge = charge
        if let charge { charge.account.add(charge.cost) }
    }

    deinit {
        if let charge { charge.account.subtract(charge.cost) }
    }
}

/// What a message costs until libzmq has sent its last frame, and on which account.
package struct Charge {
    let account: ByteAccount
    let cost: Int

    package init(_ cost: Int, to account: ByteAccount) {
        self.account = account
        self.cost = cost
    }
}
