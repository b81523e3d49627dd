/// How a guarded program ended.
struct ProgramExit: Sendable, Hashable {
    /// What the supervisor exits with if there is no such program.
    static let cannotStart: Int32 = 127

    /// The exit code, or 128 and the signal's number, as a shell has it.
    var code: Int32
    /// Whether it was killed because its lease was not renewed in time.
    var hasLostLease = false

    var text: String {
        switch code {
        case Self.cannotStart: "could not be started"
        case 128...: "was ended by signal \(code - 128)"
        default: "exited with code \(code)"
        }
    }
}
