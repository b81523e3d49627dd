extension Duration {
    /// A duration as people write it: a number, not negative, with a unit, such as `250ms`, `1.5s`, `2m` or `1h`.
    package init?(text: String) {
        let units: [(suffix: String, seconds: Double)] = [
            ("ms", 0.001), ("us", 0.000_001), ("s", 1), ("m", 60), ("h", 3_600),
        ]
        guard let unit = units.first(where: { text.hasSuffix($0.suffix) }),
            let number = Double(text.dropLast(unit.suffix.count)), number.isFinite, number >= 0,
            number * unit.seconds < 1e9
        else { return nil }
        self = .seconds(number * unit.seconds)
    }
}
