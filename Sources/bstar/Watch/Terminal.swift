#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The whole screen, for as long as this object lives; after that the terminal is as it was.
final class Terminal {
    private let before: termios?

    /// Whether pictures may be drawn: there is a terminal at both ends, and nobody asked for plain text.
    ///
    /// Source: https://no-color.org for `NO_COLOR`.
    static var isWanted: Bool {
        let noColor = getenv("NO_COLOR").map { String(cString: $0) } ?? ""
        return noColor.isEmpty && Console.isTerminal && isatty(STDIN_FILENO) == 1
    }

    init() {
        var attributes = termios()
        before = tcgetattr(STDIN_FILENO, &attributes) == 0 ? attributes : nil
        if before != nil {
            // Keys come at once and are not shown; reading never waits. Ctrl-C stays a signal, Ctrl-Z is none: it would leave
            // the terminal as it is.
            attributes.c_lflag &= ~tcflag_t(ICANON | ECHO)
            withUnsafeMutableBytes(of: &attributes.c_cc) { keys in
                keys[Int(VMIN)] = 0
                keys[Int(VTIME)] = 0
                keys[Int(VSUSP)] = 0
            }
            tcsetattr(STDIN_FILENO, TCSANOW, &attributes)
        }
        // The other screen, without a cursor, and without lines that wrap.
        Console.draw("\u{1B}[?1049h\u{1B}[?25l\u{1B}[?7l\u{1B}[2J")
    }

    /// Gives the terminal back.
    func restore() {
        Console.draw("\u{1B}[0m\u{1B}[?7h\u{1B}[?25h\u{1B}[?1049l")
        if var before { tcsetattr(STDIN_FILENO, TCSANOW, &before) }
    }

    /// How many columns and rows it has at the moment.
    var size: (width: Int, height: Int) {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else {
            return (80, 24)
        }
        return (Int(size.ws_col), Int(size.ws_row))
    }

    /// The keys that were pressed since the last call.
    func keys() -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 64)
        let count = read(STDIN_FILENO, &buffer, buffer.count)
        return Array(buffer.prefix(max(0, count)))
    }

    /// Draws over the picture before. Returns whether there is still somebody to see it.
    func draw(_ lines: [WatchScreen.Line]) -> Bool {
        var text = "\u{1B}[H"
        for (index, line) in lines.enumerated() {
            if index > 0 { text += "\r\n" }
            text += "\(line.style.code)\(line.text)\u{1B}[0m\u{1B}[K"
        }
        return Console.writeOutput(Array((text + "\u{1B}[J").utf8))
    }
}

extension WatchScreen.Style {
    fileprivate var code: String {
        switch self {
        case .plain: ""
        case .strong: "\u{1B}[1m"
        case .good: "\u{1B}[32m"
        case .bad: "\u{1B}[1;31m"
        }
    }
}
