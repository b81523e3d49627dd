import BinaryStar
import BinaryStarCore
import Foundation
import ZeroMQ

/// What a pair and its client keep of many failovers: all in this process, so that its memory is theirs.
struct MemoryOfFailovers {
    let folder: URL
    let count: Int

    private static let window = 50
    /// A request that is kept for ever is more than this at each failover, with fifty of them.
    private static let mostBytes = 4 << 10

    private func star(_ seat: Seat) async throws -> (BinaryStar, Task<Void, any Error>) {
        let star = try BinaryStar(
            configuration: .init(
                seat: seat, listen: folder.ipc("state-\(seat)"), connect: folder.ipc("state-\(seat.other)"),
                timing: .init(interval: .milliseconds(20), timeout: .milliseconds(400))))
        try await star.addVoter(.router, bind: folder.ipc("front-\(seat)")) { $0.body }
        return (star, Task { try await star.run() })
    }

    func run() async throws {
        var active = Seat.primary
        var stars: [Seat: (BinaryStar, Task<Void, any Error>)] = [:]
        for seat in Seat.allCases { stars[seat] = try await star(seat) }
        let client = try BinaryStarClient(
            configuration: .init(primary: folder.ipc("front-primary"), backup: folder.ipc("front-backup")))
        // Half of them for what is made once and kept.
        var middle = 0
        var former: [Former] = []
        for number in 1...count {
            try await ask(client, of: active)
            stars[active]?.1.cancel()
            try await stars[active]?.1.value
            former.append(Former(star: stars.removeValue(forKey: active)?.0))
            try await ask(client, of: active.other)
            stars[active] = try await star(active)
            try await stars[active]?.0.isPassive()
            active = active.other
            if number == count / 2 { middle = Figures.heapBytes }
        }
        let end = Figures.heapBytes
        let left = former.count { $0.star != nil }
        try require(left == 0, "\(left) of \(count) stars that have ended are still there")
        let each = (end - middle) / (count - count / 2)
        print(
            "\(count) failovers; \(middle >> 10) KiB of heap after half of them, \(end >> 10) KiB at the end: \(each) bytes each"
        )
        try require(each < Self.mostBytes, "\(each) bytes grown with each failover")
        for (_, run) in stars.values {
            run.cancel()
            try await run.value
        }
        await client.close()
    }

    private struct Former {
        weak var star: BinaryStar?
    }

    private func ask(_ client: BinaryStarClient, of seat: Seat) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<Self.window {
                group.addTask {
                    let reply = try await client.request("x")
                    try require(reply.server == seat, "the \(reply.server) replied instead of the \(seat)")
                }
            }
            try await group.waitForAll()
        }
    }
}

extension BinaryStar {
    fileprivate func isPassive() async throws {
        for await role in roles where role == .passive { return }
        throw Failed("the star has stopped")
    }
}

extension Figures {
    private typealias MallocInfo = @convention(c) (Int32, UnsafeMutablePointer<FILE>) -> Int32

    /// The bytes that the program has allocated and not freed, as glibc counts them: resident memory has in it what the
    /// allocator keeps, which is more in one run than in another. The resident memory elsewhere.
    static var heapBytes: Int {
        guard let symbol = dlsym(nil, "malloc_info"), let file = tmpfile() else { return residentBytes }
        defer { fclose(file) }
        guard unsafeBitCast(symbol, to: MallocInfo.self)(0, file) == 0 else { return residentBytes }
        rewind(file)
        var text = ""
        var buffer = [CChar](repeating: 0, count: 4_096)
        while fgets(&buffer, Int32(buffer.count), file) != nil {
            text += String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        }
        // The sums of all arenas are the last: what is free in them, what was mapped apart, and what they have of the system.
        func last(_ element: String) -> Int {
            guard let start = text.range(of: "<\(element)\"", options: .backwards),
                let size = text[start.upperBound...].range(of: "size=\"")
            else { return 0 }
            return Int(text[size.upperBound...].prefix { $0.isNumber }) ?? 0
        }
        return last("system type=\"current") + last("total type=\"mmap") - last("total type=\"fast")
            - last("total type=\"rest")
    }
}
