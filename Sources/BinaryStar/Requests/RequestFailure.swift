/// What a handler throws to tell the client why it failed.
///
/// ```swift
/// try await star.addVoter(.router, bind: "tcp://*:5001") { request in
///     guard let key = request.text else { throw RequestFailure(code: 400, text: "a key is missing") }
///     return try await store.value(of: key)
/// }
/// ```
///
/// A ``BinaryStarClient`` gets both in its ``BinaryStarClientError/failure``. Of every other error that a handler throws it
/// learns only that there was one: what it says stays in the server's log. Other clients get no reply in either case.
public struct RequestFailure: Error, Sendable, Hashable {
    /// What the client decides by. The numbers are the application's own.
    public var code: Int
    /// What the client may show. Cut off at 4,096 bytes of UTF-8.
    public var text: String

    public init(code: Int, text: String) {
        self.code = code
        self.text = text
    }
}

extension RequestFailure: CustomStringConvertible {
    public var description: String { "\(text) (\(code))" }
}
