extension JSON {
    /// Why a text is no JSON, and where.
    package struct SyntaxError: Error, Sendable, Hashable, CustomStringConvertible {
        package var what: String
        /// In bytes from the start.
        package var offset: Int

        package var description: String { "\(what) at byte \(offset)" }
    }

    /// Reads a JSON text. Whatever the bytes are, it takes time and memory in proportion to their number.
    package init(parsing bytes: [UInt8]) throws(SyntaxError) {
        guard String(validating: bytes, as: UTF8.self) != nil else { throw SyntaxError(what: "no UTF-8", offset: 0) }
        var parser = Parser(bytes: bytes)
        self = try parser.document()
    }

    fileprivate struct Parser {
        /// Valid UTF-8.
        let bytes: [UInt8]
        var offset = 0
        var depth = 0

        /// Above what any text of ours has; each level takes some of the stack.
        static let deepest = 32

        init(bytes: [UInt8]) {
            self.bytes = bytes
        }

        func failure(_ what: String) -> SyntaxError { SyntaxError(what: what, offset: offset) }

        var next: UInt8? { offset < bytes.count ? bytes[offset] : nil }

        mutating func document() throws(SyntaxError) -> JSON {
            let value = try value()
            skipSpace()
            guard offset == bytes.count else { throw failure("something after the end of the value") }
            return value
        }

        mutating func skipSpace() {
            while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { offset += 1 }
        }

        /// Skips space, and `character` if that is what follows.
        mutating func take(_ character: Unicode.Scalar) -> Bool {
            skipSpace()
            guard next == UInt8(ascii: character) else { return false }
            offset += 1
            return true
        }

        mutating func value() throws(SyntaxError) -> JSON {
            skipSpace()
            guard let first = next else { throw failure("the text ends too early") }
            switch first {
            case UInt8(ascii: "{"): return try nested { parser throws(SyntaxError) in try parser.object() }
            case UInt8(ascii: "["): return try nested { parser throws(SyntaxError) in try parser.array() }
            case UInt8(ascii: "\""): return .string(try string())
            case UInt8(ascii: "t"): return try word("true", .bool(true))
            case UInt8(ascii: "f"): return try word("false", .bool(false))
            case UInt8(ascii: "n"): return try word("null", .null)
            case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
            default: throw failure("no value")
            }
        }

        mutating func nested(_ body: (inout Parser) throws(SyntaxError) -> JSON) throws(SyntaxError) -> JSON {
            guard depth < Self.deepest else { throw failure("nested too deeply") }
            offset += 1
            depth += 1
            let value = try body(&self)
            depth -= 1
            return value
        }

        mutating func object() throws(SyntaxError) -> JSON {
            var members: [Member] = []
            if take("}") { return .object(members) }
            repeat {
                skipSpace()
                guard next == UInt8(ascii: "\"") else { throw failure("no name of a field") }
                let name = try string()
                guard take(":") else { throw failure("no colon") }
                members.append(Member(name, try value()))
            } while take(",")
            guard take("}") else { throw failure("no comma and no end of the object") }
            return .object(members)
        }

        mutating func array() throws(SyntaxError) -> JSON {
            var values: [JSON] = []
            if take("]") { return .array(values) }
            repeat { values.append(try value()) } while take(",")
            guard take("]") else { throw failure("no comma and no end of the array") }
            return .array(values)
        }

        mutating func word(_ word: StaticString, _ value: JSON) throws(SyntaxError) -> JSON {
            let count = word.utf8CodeUnitCount
            guard bytes[offset...].prefix(count).elementsEqual("\(word)".utf8) else { throw failure("no value") }
            offset += count
            return value
        }
    }
}

// MARK: Numbers and strings

extension JSON.Parser {
    mutating func number() throws(JSON.SyntaxError) -> JSON {
        let start = offset
        if next == UInt8(ascii: "-") { offset += 1 }
        if next == UInt8(ascii: "0") { offset += 1 } else { try digits() }
        if next == UInt8(ascii: ".") {
            offset += 1
            try digits()
        }
        if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
            offset += 1
            if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { offset += 1 }
            try digits()
        }
        return .number(String(decoding: bytes[start..<offset], as: UTF8.self))
    }

    private mutating func digits() throws(JSON.SyntaxError) {
        let start = offset
        while let byte = next, UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte { offset += 1 }
        guard offset > start else { throw failure("no digit") }
    }

    mutating func string() throws(JSON.SyntaxError) -> String {
        offset += 1
        var text: [UInt8] = []
        while let byte = next {
            switch byte {
            case UInt8(ascii: "\""):
                offset += 1
                return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"):
                offset += 1
                text += String(try escape()).utf8
            case 0..<0x20: throw failure("a control character in a string")
            default:
                text.append(byte)
                offset += 1
            }
        }
        throw failure("a string without an end")
    }

    private mutating func escape() throws(JSON.SyntaxError) -> Unicode.Scalar {
        guard let byte = next else { throw failure("a string without an end") }
        offset += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return try unicodeEscape()
        default: throw failure("an unknown escape")
        }
    }

    private mutating func unicodeEscape() throws(JSON.SyntaxError) -> Unicode.Scalar {
        let first = try codeUnit()
        if let scalar = Unicode.Scalar(first) { return scalar }
        // Two escapes make one character beyond the basic plane.
        guard first < 0xDC00, next == UInt8(ascii: "\\") else { throw failure("half of a surrogate pair") }
        offset += 1
        guard next == UInt8(ascii: "u") else { throw failure("half of a surrogate pair") }
        offset += 1
        let second = try codeUnit()
        guard 0xDC00...0xDFFF ~= second,
            let scalar = Unicode.Scalar(0x10000 + (UInt32(first) - 0xD800) << 10 + (UInt32(second) - 0xDC00))
        else { throw failure("half of a surrogate pair") }
        return scalar
    }

    private mutating func codeUnit() throws(JSON.SyntaxError) -> UInt16 {
        var unit: UInt16 = 0
        for _ in 0..<4 {
            guard let byte = next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw failure("no hexadecimal digit")
            }
            unit = unit << 4 | UInt16(digit)
            offset += 1
        }
        return unit
    }
}
