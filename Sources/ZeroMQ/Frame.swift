/// One frame of a ``Message``: bytes that are read in place.
public struct Frame: @unchecked Sendable {
    // Sendable for the same reason as the message: the storage does not change.
    let storage: MessageStorage
    let index: Int

    /// The number of bytes.
    public var count: Int { unsafe storage.bytes(at: index).count }

    public var isEmpty: Bool { count == 0 }

    /// Calls `body` with the bytes, which are not copied.
    public func withSpan<Result>(_ body: (Span<UInt8>) throws -> Result) rethrows -> Result {
        // The storage keeps the bytes alive and unchanged until the call returns.
        try withExtendedLifetime(storage) {
            try body(unsafe Span(_unsafeElements: storage.octets(at: index)))
        }
    }

    /// Calls `body` with the bytes, for interfaces that take a pointer. They are not copied; the pointer is valid for the
    /// call only.
    public func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try withExtendedLifetime(storage) { unsafe try body(storage.bytes(at: index)) }
    }

    /// A copy of the bytes.
    public var bytes: [UInt8] { unsafe withUnsafeBytes { unsafe Array($0) } }

    /// The bytes as text, or `nil` if they are no UTF-8.
    public var text: String? { unsafe withUnsafeBytes { unsafe String(validating: $0, as: UTF8.self) } }
}

extension Frame: Equatable {
    public static func == (left: Frame, right: Frame) -> Bool {
        left.storage.hasSameBytes(at: left.index, as: right.storage, right.index)
    }
}

extension Frame: CustomStringConvertible {
    /// The text if it is short and printable, else the number of bytes.
    public var description: String {
        if count <= 64, let text, text.unicodeScalars.allSatisfy({ $0.value >= 32 && $0.value != 127 }) {
            return "\"\(text)\""
        }
        return "\(count) bytes"
    }
}
