import BinaryStar
import BinaryStarCore

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Where a server's control socket is when nobody says: `FOLDER/[PAIR-]SEAT.sock`.
struct ControlPaths {
    /// Where to look, the most likely first.
    var folders: [String]

    /// By the environment of this process.
    static var current: ControlPaths {
        ControlPaths(user: UInt32(geteuid()), hasRun: access("/run", X_OK) == 0) { name in
            getenv(name).map { String(cString: $0) }
        }
    }

    /// - Parameters:
    ///   - user: the number of the user.
    ///   - hasRun: whether there is a folder `/run`.
    init(user: UInt32, hasRun: Bool, environment: (String) -> String?) {
        var folders: [String] = []
        // systemd makes it for a unit with RuntimeDirectory=; of several the first counts.
        if let folder = environment("RUNTIME_DIRECTORY")?.split(separator: ":").first { folders.append(String(folder)) }
        if user == 0, hasRun { folders.append("/run/bstar") }
        if let folder = environment("XDG_RUNTIME_DIR"), folder.hasPrefix("/") { folders.append("\(folder)/bstar") }
        folders.append("/tmp/bstar-\(user)")
        self.folders = folders
    }

    /// What the file is called. What cannot stand in a name, or would make one name of two, is written as `%` and two digits.
    static func fileName(pair: String, seat: Seat) -> String {
        var name = ""
        for byte in pair.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
                name.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                name += digits.count < 2 ? "%0\(digits)" : "%\(digits)"
            }
        }
        return name.isEmpty ? "\(seat).sock" : "\(name)-\(seat).sock"
    }

    /// Every place where the socket of this server may be.
    func paths(pair: String, seat: Seat) -> [String] {
        folders.map { "\($0)/\(Self.fileName(pair: pair, seat: seat))" }
    }

    /// The endpoint for a server that starts, whose folder is made if it is not there.
    ///
    /// - Throws: if somebody else could put files into the folder.
    func endpointToBind(pair: String, seat: Seat) throws -> String {
        let folder = folders[0]
        if mkdir(folder, 0o700) != 0, errno != EEXIST {
            throw Unusable(reason: "cannot make \(folder): \(String(cString: strerror(errno)))")
        }
        var status = stat()
        guard lstat(folder, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw Unusable(reason: "\(folder) is no folder")
        }
        guard status.st_uid == geteuid(), status.st_mode & 0o022 == 0 else {
            throw Unusable(reason: "\(folder) belongs to another user, or others may write there")
        }
        return "ipc://\(folder)/\(Self.fileName(pair: pair, seat: seat))"
    }

    struct Unusable: Error, CustomStringConvertible {
        var reason: String
        var description: String { reason }
    }

    /// The endpoint that an argument names: a path will do.
    static func endpoint(_ argument: String) -> String {
        argument.contains("://") ? argument : "ipc://\(argument)"
    }
}
