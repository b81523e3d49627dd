/// The page that shows the pair live. It is in the program, so that one file is all there is to install.
enum Page {
    static let html = #"""
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>Pair</title>
        <link rel="icon" href="data:,">
        <link rel="stylesheet" href="page.css">
        <script src="page.js" defer></script>
        </head>
        <body>
        <header>
        <h1 id="title">Pair</h1>
        <p id="summary" role="status" aria-live="polite">Asking the server…</p>
        <p id="stale" role="alert" hidden></p>
        <noscript><p>This page needs JavaScript. <a href="status">The status as JSON</a></p></noscript>
        </header>
        <main>
        <div class="pair">
        <article class="server" data-seat="primary" aria-labelledby="primary-name">
        <h2 id="primary-name">Primary</h2>
        <p class="role">–</p>
        <p class="note"></p>
        <dl></dl>
        </article>
        <article class="server" data-seat="backup" aria-labelledby="backup-name">
        <h2 id="backup-name">Backup</h2>
        <p class="role">–</p>
        <p class="note"></p>
        <dl></dl>
        </article>
        </div>
        <section aria-labelledby="timeline-name">
        <div class="heading">
        <h2 id="timeline-name">Terms and gaps</h2>
        <fieldset>
        <legend>Show the last</legend>
        <label><input type="radio" name="range" value="60"> 1 min</label>
        <label><input type="radio" name="range" value="600" checked> 10 min</label>
        <label><input type="radio" name="range" value="3600"> 1 h</label>
        <label><input type="radio" name="range" value="86400"> 1 day</label>
        </fieldset>
        </div>
        <svg id="timeline" role="img" aria-labelledby="timeline-name timeline-text"></svg>
        <p class="legend"><span class="key active">active</span> <span class="key passive">passive</span>
        <span class="key waiting">waiting</span> <span class="key gap">nobody serves</span></p>
        <p id="timeline-text" class="text"></p>
        </section>
        <div class="charts">
        <section aria-labelledby="latency-name">
        <h2 id="latency-name">Heartbeat round trip</h2>
        <svg id="latency" role="img" aria-labelledby="latency-name latency-text"></svg>
        <p id="latency-text" class="text"></p>
        </section>
        <section aria-labelledby="requests-name">
        <h2 id="requests-name">Requests served a second</h2>
        <svg id="requests" role="img" aria-labelledby="requests-name requests-text"></svg>
        <p id="requests-text" class="text"></p>
        </section>
        </div>
        <section aria-labelledby="events-name">
        <h2 id="events-name">Latest changes</h2>
        <div class="scroll" tabindex="0" role="region" aria-labelledby="events-name">
        <table><thead><tr><th scope="col">Time</th><th scope="col">Server</th><th scope="col">Change</th>
        <th scope="col">Because</th><th scope="col">Peer silent for</th><th scope="col">Term</th></tr></thead>
        <tbody id="events"></tbody></table>
        </div>
        </section>
        </main>
        <footer>
        <button id="pause" type="button" aria-pressed="false">Pause the page</button>
        <nav aria-label="Data"><a href="status">status</a> <a href="history">history</a> <a href="metrics">metrics</a>
        <a id="other" hidden>the other server’s page</a></nav>
        </footer>
        </body>
        </html>

        """#

    static let script = model + drawing
}
