import Foundation
import Testing

/// The article "Faults and guarantees" names a test for each guarantee.
@Suite struct FaultArticleTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")

    /// All tests' sources.
    private func sources() throws -> [String] {
        let files = FileManager.default.enumerator(
            at: Self.root.appending(path: "Tests"), includingPropertiesForKeys: nil)
        return try (files?.compactMap { $0 as? URL } ?? []).filter { $0.pathExtension == "swift" }
            .map { try String(contentsOf: $0, encoding: .utf8) }
    }

    @Test func eachNamedTestIsThere() throws {
        let article = try String(
            contentsOf: Self.root.appending(path: "Sources/BinaryStar/BinaryStar.docc/Faults.md"), encoding: .utf8)
        let sources = try sources()
        let names = article.split(separator: "`").map { $0.split(separator: "/") }
            .filter { $0.count == 2 && $0[0].hasSuffix("Tests") && !$0[1].contains(" ") }
        #expect(names.count > 50)
        for name in names {
            let isThere = sources.contains { $0.contains("struct \(name[0]) ") && $0.contains("func \(name[1])(") }
            #expect(isThere, "\(name.joined(separator: "/"))")
        }
    }

    @Test func eachRowNamesOne() throws {
        let article = try String(
            contentsOf: Self.root.appending(path: "Sources/BinaryStar/BinaryStar.docc/Faults.md"), encoding: .utf8)
        let rows = article.split(separator: "\n").filter { $0.hasPrefix("| ") && !$0.hasPrefix("| fault |") }
        #expect(!rows.isEmpty)
        for row in rows { #expect(row.contains("Tests/"), "\(row)") }
    }
}
