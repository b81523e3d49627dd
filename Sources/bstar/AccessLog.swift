import ArgumentParser
import BinaryStar
import BinaryStarCore
import Synchronization

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Every admitted request, every reply and every change of role, as JSON lines in a file.
///
/// The star's thread only hands over what happened; a task writes it, so that a slow disk delays no heartbeat. What has been
/// written outlives the process. Of what is handed over and not written yet, a process that is killed loses the last
/// moment; one whose disk does not keep up drops what is above a bound, and says so in the file.
final class AccessLog: Sendable {
    private let seat: Seat
    private let descriptor: Int32
    private let observations: AsyncStream<Observation>
    private let continuation: AsyncStream<Observation>.Continuation
    private let dropped = Atomic(0)

    /// How much may wait to be written.
    private static let capacity = 100_000

    /// Opens the file, to append to it.
    init(path: String, seat: Seat) throws {
        self.seat = seat
        descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            throw ValidationError("--access-log: cannot write \"\(path)\": \(String(cString: strerror(errno)))")
        }
        (observations, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(Self.capacity))
    }

    deinit { close(descriptor) }

    /// Takes note of what happened. From any thread, and without waiting.
    func record(_ observation: Observation) {
        if case .dropped = continuation.yield(observation) { dropped.add(1, ordering: .relaxed) }
    }

    /// No more will come: ``write()`` returns when it has written all.
    func finish() { continuation.finish() }

    /// Writes until ``finish()``.
    func write() async {
        Console.write(object("started", at: .now).text + "\n", to: descriptor)
        for await observation in observations {
            if let line = line(observation) { Console.write(line + "\n", to: descriptor) }
            let lost = dropped.exchange(0, ordering: .relaxed)
            if lost > 0 {
                var object = object("dropped")
                object.add("lines", lost)
                Console.write(object.text + "\n", to: descriptor)
            }
        }
    }

    private func line(_ observation: Observation) -> String? {
        switch observation {
        case .changed(let change):
            var object = object("role", at: change.instant, term: change.term)
            object.add("role", "\(change.to)")
            object.add("from", "\(change.from)")
            object.add("cause", "\(change.cause)")
            return object.text
        case .admitted(let term, let instant, let header): return line("admitted", term, instant, header)
        case .replied(let term, let instant, let header): return line("replied", term, instant, header)
        case .published, .judged: return nil
        }
    }

    private func line(_ event: String, _ term: UInt64, _ instant: MonotonicTime, _ header: RequestHeader?) -> String {
        var object = object(event, at: instant, term: term)
        // Only a client of ours says who it is, and which request this is.
        if let header {
            object.add("client", String(header.incarnation, radix: 16))
            object.add("request", header.number)
        }
        return object.text
    }

    private func object(_ event: String, at instant: MonotonicTime? = nil, term: UInt64? = nil) -> JSONObject {
        var object = JSONObject()
        object.add("event", event)
        object.add("seat", "\(seat)")
        if let term { object.add("term", term) }
        if let instant { object.add("at", instant.nanoseconds) }
        return object
    }
}
