/// One for each seat, without a heap allocation.
package struct Both<Element> {
    package var primary: Element
    package var backup: Element

    @inlinable package init(primary: Element, backup: Element) {
        self.primary = primary
        self.backup = backup
    }

    @inlinable package subscript(seat: Seat) -> Element {
        get { seat == .primary ? primary : backup }
        _modify { if seat == .primary { yield &primary } else { yield &backup } }
    }
}

extension Both: Sendable where Element: Sendable {}
