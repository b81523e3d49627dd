import BinaryStar

/// The state of the service: text values by key.
actor Store {
    private var values: [String: String] = [:]

    /// What a command answers, and whether it changed the store.
    ///
    /// Commands are `set KEY VALUE`, `get KEY` and `delete KEY`.
    func perform(_ command: String) -> (answer: String, isChange: Bool) {
        let words = command.split(separator: " ", maxSplits: 2).map(String.init)
        switch (words.first, words.count) {
        case ("set", 3):
            values[words[1]] = words[2]
            return ("ok", true)
        case ("get", 2):
            return (values[words[1]].map { "value \($0)" } ?? "none", false)
        case ("delete", 2):
            return (values.removeValue(forKey: words[1]) == nil ? "none" : "ok", true)
        default:
            return ("error: the commands are set KEY VALUE, get KEY and delete KEY", false)
        }
    }
}
