/// The number that grows with every activation of a pair: the fencing token.
///
/// The primary seat mints even terms and the backup seat odd ones, so that no two servers ever mint the same.
package enum Term {
    /// Above what a pair reaches in any number of years. A larger one on the wire is no term.
    package static let maximum: UInt64 = 1 << 62

    /// The highest floor to start from: what is left above it lasts for a million million activations.
    package static let maximumFloor: UInt64 = maximum - (1 << 40)

    /// The smallest term of `seat` above `known`.
    package static func next(above known: UInt64, for seat: Seat) -> UInt64 {
        let parity: UInt64 =
            switch seat {
            case .primary: 0
            case .backup: 1
            }
        let candidate = known + 1
        return candidate % 2 == parity ? candidate : candidate + 1
    }
}
