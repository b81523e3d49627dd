import Foundation
import TestSupport
import Testing

extension Faults {
    /// The page, in a real browser, through a failover.
    @Suite(.timeLimit(.minutes(5))) struct HTTPPageTests {
        private let folder = TemporaryFolder()

        private func role(_ seat: String) -> String {
            "document.querySelector('[data-seat=\(seat)] .role').textContent"
        }
        private func note(_ seat: String) -> String {
            "document.querySelector('[data-seat=\(seat)] .note').textContent"
        }

        @Test(.enabled(if: Installed.chromium != nil, "Chromium is not installed: apt-get install chromium"))
        func thePageShowsAFailoverLive() async throws {
            let pair = try await HTTPPair(in: folder)
            let browser = try await Chromium(at: try #require(Installed.chromium), in: folder)
            try await browser.resize(width: 1_100, height: 1_200)
            try await browser.prefer("light")
            try await browser.open("http://\(pair.backupAddress)/")
            try await browser.wait(for: role("primary")) { $0 == "active" }
            try await browser.wait(for: role("backup")) { $0 == "passive" }
            try await pair.request(100)
            try await browser.wait(for: "document.getElementById('requests-text').textContent") {
                $0.contains("primary: ")
            }
            try await browser.wait(for: "document.querySelectorAll('#latency path').length") { $0 == "2" }
            #expect(try await browser.value("document.getElementById('summary').textContent") == "The primary serves.")
            #expect(try await browser.value("document.querySelector('h1').textContent") == "Pair orders")
            try await browser.picture("light")
            try await keyboard(browser)
            try await looks(browser)
            try await strangeAnswers(browser)
            try await switchover(pair, browser)
            try await failover(pair, browser)
            #expect(browser.problems == [])
            try await browser.end()
        }

        /// Everything is reached by Tab, and works by keys.
        private func keyboard(_ browser: Chromium) async throws {
            let active =
                "(document.activeElement.name || document.activeElement.id || document.activeElement.className"
                + " || document.activeElement.textContent)"
            var reached: [String] = []
            for _ in 0..<7 {
                try await browser.press("Tab", code: 9)
                reached.append(try await browser.value(active))
                switch reached.last {
                case "range":
                    try await browser.press("ArrowLeft", code: 37)
                    #expect(try await browser.value("state.range") == "60")
                case "pause":
                    try await browser.press(" ", code: 32, text: " ")
                    #expect(try await browser.value("state.paused") == "true")
                    try await browser.press(" ", code: 32, text: " ")
                    #expect(try await browser.value("state.paused") == "false")
                default: break
                }
                // And one sees where one is.
                #expect(try await browser.value("getComputedStyle(document.activeElement).outlineStyle") == "solid")
            }
            #expect(reached == ["range", "scroll", "pause", "status", "history", "metrics", "other"])
        }

        private func looks(_ browser: Chromium) async throws {
            let background = "getComputedStyle(document.body).backgroundColor"
            let light = try await browser.value(background)
            try await browser.prefer("dark")
            #expect(try await browser.value(background) != light)
            try await browser.picture("dark")
            try await browser.resize(width: 360, height: 800)
            #expect(try await browser.value("document.documentElement.scrollWidth <= 360") == "true")
            // Wider than the screen is the table only, which scrolls by itself.
            let outside =
                "[...document.querySelectorAll('body *')].filter((e) => !e.closest('.scroll table')"
                + " && e.getBoundingClientRect().right > 361).length"
            #expect(try await browser.value(outside) == "0")
            try await browser.picture("narrow")
            try await browser.resize(width: 1_100, height: 1_200)
        }

        /// What the page makes of a status that is changed by `change`, which has it as `s`.
        private func value(_ expression: String, after change: String, _ browser: Chromium) async throws -> String {
            try await browser.value(
                """
                (() => {
                  const kept = state.status, s = structuredClone(kept);
                  \(change)
                  state.status = s;
                  try { return \(expression); } finally { state.status = kept; }
                })()
                """)
        }

        private func strangeAnswers(_ browser: Chromium) async throws {
            let both = "s.server.isServing = s.peer.server.isServing = true; s.server.lastChange = { age: 1 };"
            let heard = "s.server.peer = { role: 'active', isExpired: false, lastHeard: 2 };"
            // The backup has become active since the primary was asked and heard, or before that.
            #expect(
                try await value("summary(servers())", after: both + heard + "s.peer.answered = 2;", browser)
                    == "The backup serves.")
            #expect(
                try await value("summary(servers())", after: both + heard + "s.peer.answered = 0.5;", browser)
                    == "Both servers serve: they do not hear each other.")
            #expect(
                try await value("servers().primary.itself", after: "s.peer.server.pairName = 'other';", browser)
                    == "null")
            let drawn = "(sample(), draw(), state.samples.pop(), \(note("primary")))"
            #expect(try await value(drawn, after: "delete s.peer.server.requests;", browser) == "serves")
            // Something that it does not foresee is told, and the next answer is shown as ever.
            _ = try await value("show(draw)", after: "s.server = null;", browser)
            try await browser.wait(for: "document.getElementById('stale').hidden") { $0 == "true" }
        }

        private func switchover(_ pair: HTTPPair, _ browser: Chromium) async throws {
            let watch =
                "window.told = []; new MutationObserver(() => told.push(byId('summary').textContent))"
                + ".observe(byId('summary'), { childList: true, characterData: true, subtree: true })"
            _ = try await browser.value("(() => { \(watch) })()")
            func switchOver(to seat: String) async throws {
                let outcome = try await Tool.run(
                    ["switchover"]
                        + ["primary", "backup"].flatMap { ["--control", pair.folder.path + "/\($0).sock"] })
                #expect(outcome.exitCode == 0, "\(outcome.error)")
                try await browser.wait(for: "byId('summary').textContent") { $0 == "The \(seat) serves." }
                try await browser.wait(for: role(seat)) { $0 == "active" }
            }
            try await switchOver(to: "backup")
            try await switchOver(to: "primary")
            #expect(try await browser.value("told.filter((text) => text.startsWith('Both')).length") == "0")
        }

        private func failover(_ pair: HTTPPair, _ browser: Chromium) async throws {
            try await pair.primary.end(with: SIGKILL)
            try await browser.wait(for: note("primary")) { $0.hasPrefix("no answer since ") }
            try await pair.request()
            try await browser.wait(for: role("backup")) { $0 == "active" }
            try await browser.wait(for: role("primary")) { $0 == "gone" }
            #expect(try await browser.value("document.getElementById('summary').textContent") == "The backup serves.")
            _ = try await browser.value("state.range = 600")
            try await browser.wait(for: "document.querySelectorAll('#timeline rect.active').length") { $0 == "4" }
            // Those of the switchovers are so short that the page may not show them.
            #expect(try await browser.value("document.querySelectorAll('#timeline rect.gap').length") != "0")
            #expect(
                try await browser.value("document.querySelector('#events td:nth-child(3)').textContent")
                    == "passive → active")
            try await browser.picture("failover")
            // What stands there when the page's own server is gone must not look as if it were so.
            try await pair.backup.end(with: SIGKILL)
            try await browser.wait(for: "document.getElementById('stale').hidden") { $0 == "false" }
            #expect(
                try await browser.value("document.getElementById('stale').textContent").hasPrefix("No answer since "))
            #expect(
                try await browser.value("document.getElementById('summary').textContent") == "Not known at the moment.")
            try await browser.picture("stale")
        }
    }
}
