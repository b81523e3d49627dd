import BinaryStar

/// What a request is answered with. The head of it is made when it is sent.
struct Response: Sendable {
    enum Status: Int, Sendable {
        case ok = 200
        case noContent = 204
        case badRequest = 400
        case notFound = 404
        case methodNotAllowed = 405
        case requestTimeout = 408
        case misdirected = 421
        case headTooLarge = 431
        case unavailable = 503
        case versionNotSupported = 505

        var phrase: String {
            switch self {
            case .ok: "OK"
            case .noContent: "No Content"
            case .badRequest: "Bad Request"
            case .notFound: "Not Found"
            case .methodNotAllowed: "Method Not Allowed"
            case .requestTimeout: "Request Timeout"
            case .misdirected: "Misdirected Request"
            case .headTooLarge: "Request Header Fields Too Large"
            case .unavailable: "Service Unavailable"
            case .versionNotSupported: "HTTP Version Not Supported"
            }
        }
    }

    var status: Status
    var contentType: String
    var body: String
    /// Beside those that every answer has.
    var fields: [(name: String, value: String)] = []

    static func text(_ status: Status, _ line: String) -> Response {
        var response = Response(status: status, contentType: "text/plain; charset=utf-8", body: line + "\n")
        if status == .unavailable { response.fields.append(("Retry-After", "1")) }
        return response
    }

    static func json(_ json: JSON) -> Response {
        Response(status: .ok, contentType: "application/json", body: json.text + "\n")
    }

    init(status: Status, contentType: String, body: String) {
        self.status = status
        self.contentType = contentType
        self.body = body
    }

    init(_ refused: Request.Refused) { self = .text(refused.status, refused.reason) }

    /// The answer as it is sent.
    ///
    /// - Parameter withoutBody: for HEAD, whose answer has the fields of the one to GET.
    func bytes(keepsAlive: Bool, withoutBody: Bool = false, time: UInt64 = WallClock.milliseconds) -> [UInt8] {
        var head = "HTTP/1.1 \(status.rawValue) \(status.phrase)\r\n"
        head += "Date: \(Self.date(time))\r\n"
        if status != .noContent {
            head += "Content-Type: \(contentType)\r\nContent-Length: \(body.utf8.count)\r\n"
        }
        // What is true now may not be so in a moment.
        head += "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
        for field in fields { head += "\(field.name): \(field.value)\r\n" }
        head += "Connection: \(keepsAlive ? "keep-alive" : "close")\r\n\r\n"
        return Array(head.utf8) + (withoutBody || status == .noContent ? [] : Array(body.utf8))
    }

    /// A date as HTTP has it, in English and in UTC whatever the machine speaks.
    ///
    /// - Parameter time: in milliseconds since 1970.
    ///
    /// Source: RFC 9110, section 5.6.7; days to a date as in Hinnant, "chrono-Compatible Low-Level Date Algorithms".
    static func date(_ time: UInt64) -> String {
        let seconds = Int(time / 1_000)
        let days = seconds / 86_400
        let shifted = days + 719_468
        let (era, dayOfEra) = shifted.quotientAndRemainder(dividingBy: 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let month = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * month + 2) / 5 + 1
        let year = era * 400 + yearOfEra + (month >= 10 ? 1 : 0)
        let names = ["Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec", "Jan", "Feb"]
        let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let clock = "\(two(seconds / 3_600 % 24)):\(two(seconds / 60 % 60)):\(two(seconds % 60))"
        return "\(weekdays[days % 7]), \(two(day)) \(names[month]) \(year) \(clock) GMT"
    }
}
