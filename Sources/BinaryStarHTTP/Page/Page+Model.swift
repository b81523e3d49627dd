extension Page {
    /// Asks the server twice a second, and keeps what the page shows.
    static let model = #"""
        'use strict';
        const seats = ['primary', 'backup'];
        const period = 500, patience = 2500, kept = 240;
        const byId = (id) => document.getElementById(id);
        const state = {
          status: null, records: [], samples: [], answeredAt: null, failure: null, paused: false, range: 600,
        };

        // What comes from a server is text and never markup.
        function element(name, text, className) {
          const node = document.createElement(name);
          if (text !== undefined) node.textContent = text;
          if (className) node.className = className;
          return node;
        }

        const clock = (time) => new Date(time).toLocaleTimeString([], { hour12: false });
        function span(seconds) {
          if (!Number.isFinite(seconds)) return '–';
          const s = Math.max(0, seconds);
          if (s < 0.001) return `${(s * 1e6).toFixed(0)} µs`;
          if (s < 1) return `${(s * 1e3).toPrecision(3)} ms`;
          if (s < 10) return `${s.toFixed(1)} s`;
          if (s < 60) return `${Math.floor(s)} s`;
          if (s < 3600) return `${Math.floor(s / 60)} min ${Math.floor(s % 60)} s`;
          if (s < 86400) return `${Math.floor(s / 3600)} h ${Math.floor(s / 60 % 60)} min`;
          return `${Math.floor(s / 86400)} d ${Math.floor(s / 3600 % 24)} h`;
        }

        // The causes that a status names, in words.
        const causes = {
          'client request': 'a client asked',
          'client request after the peer\'s death': 'a client asked, and the peer’s process is gone',
          'automatic vote': 'an automatic vote',
          'automatic vote after the peer\'s death': 'an automatic vote, and the peer’s process is gone',
          'superseded by a higher term': 'the peer is active in a higher term',
          'dual passive': 'both servers were passive',
          'step down': 'it hands over',
          'handover failed': 'the peer did not take over',
          'promote': 'an operator said so',
        };
        const because = (cause) => causes[cause] || String(cause).replace(/^peer (\w+)$/, 'the peer says it is $1');

        async function get(path) {
          const stop = new AbortController();
          const timer = setTimeout(() => stop.abort(), patience);
          let answer, text;
          try {
            answer = await fetch(path, { cache: 'no-store', signal: stop.signal });
            text = await answer.text();
          } catch {
            throw new Error(stop.signal.aborted ? 'no answer in time' : 'it cannot be reached');
          } finally {
            clearTimeout(timer);
          }
          if (!answer.ok) throw new Error(text.trim() || `status ${answer.status}`);
          return JSON.parse(text);
        }

        // What is known of each server: from itself, or from what the other one has heard.
        function servers() {
          const known = {};
          const { status } = state;
          if (!status) return known;
          const own = status.server, peer = status.peer;
          known[own.seat] = { itself: own };
          const other = own.seat === 'primary' ? 'backup' : 'primary';
          const { lastChange } = own, told = peer && peer.server;
          const itself = told && told.seat === other && told.pairName === own.pairName ? told : null;
          // What was so before a server took its role says nothing of what is so beside that.
          const isNew = (age) => !lastChange || age <= lastChange.age;
          known[other] = { itself, heard: own.peer, by: own, asked: peer,
            isToldAnew: itself !== null && isNew(peer.answered),
            isHeardAnew: Boolean(own.peer) && isNew(own.peer.lastHeard) };
          return known;
        }

        function sample() {
          const now = Date.now(), known = servers(), taken = { now };
          for (const seat of seats) {
            const server = known[seat] && known[seat].itself;
            if (!server) continue;
            const before = state.samples.length ? state.samples[state.samples.length - 1][seat] : null;
            const requests = server.requests || {};
            const one = { time: server.time, incarnation: server.incarnation, admitted: requests.admitted,
              roundTrip: server.peer && !server.peer.isExpired ? server.peer.roundTrip : undefined };
            if (before && before.incarnation === one.incarnation) {
              one.rate = one.time > before.time
                ? (one.admitted - before.admitted) * 1000 / (one.time - before.time) : before.rate;
            }
            taken[seat] = one;
          }
          state.samples.push(taken);
          if (state.samples.length > kept) state.samples.shift();
        }

        // Who was active when. A server that ended so suddenly that it told nothing was so until its peer heard it
        // last.
        function reigns(now) {
          const found = [];
          for (const seat of seats) {
            const own = state.records.filter((record) => record.seat === seat).sort((a, b) => a.time - b.time);
            own.forEach((record, index) => {
              const next = own[index + 1];
              found.push({ seat, role: record.to, term: record.term, start: record.time, silence: record.peerSilence,
                tookOver: /^(client request|automatic vote|promote)/.test(record.cause), end: next ? next.time : now, open: !next });
            });
          }
          const known = servers();
          const active = found.filter((reign) => reign.role === 'active')
            .sort((a, b) => a.term - b.term || a.start - b.start);
          active.forEach((reign, index) => {
            const next = active.slice(index + 1).find((later) => later.seat !== reign.seat);
            if (!next) return;
            // What follows a silence began after it; what follows a handover did not.
            const silence = next.tookOver && Number.isFinite(next.silence) ? next.silence * 1000 : 0;
            reign.end = Math.max(reign.start, Math.min(reign.end, next.start - silence));
          });
          for (const reign of found) {
            const server = known[reign.seat];
            if (!reign.open || !server || server.itself) continue;
            const lastHeard = server.heard ? now - server.heard.lastHeard * 1000 : reign.start;
            reign.end = Math.max(reign.start, Math.min(reign.end, lastHeard));
          }
          return { found, active };
        }

        function gaps(active, now) {
          const found = [];
          let end = null;
          for (const reign of [...active].sort((a, b) => a.start - b.start)) {
            if (end !== null && reign.start > end) found.push({ start: end, end: reign.start });
            end = end === null ? reign.end : Math.max(end, reign.end);
          }
          if (end !== null && end < now - 1000) found.push({ start: end, end: now, open: true });
          return found;
        }

        async function ask() {
          try {
            const [status, history] = await Promise.all([get('status'), get('history')]);
            const seen = new Map();
            // A server that is gone took its memory with it; the page has it still.
            for (const record of [...state.records, ...history.records]) {
              seen.set(`${record.seat} ${record.time} ${record.term} ${record.to}`, record);
            }
            state.records = [...seen.values()].sort((a, b) => a.time - b.time).slice(-1000);
            state.status = status;
            state.answeredAt = Date.now();
            state.failure = null;
          } catch (error) {
            state.failure = error.message;
          }
        }

        // Does what shows something. An answer that the page does not understand must not end it.
        function show(what) {
          try {
            what();
          } catch (error) {
            byId('stale').hidden = false;
            const text = `The page does not understand an answer: ${error.message}. What is below may be old.`;
            setText(byId('stale'), text);
          }
        }

        async function run() {
          for (;;) {
            if (!state.paused) {
              await ask();
              show(() => {
                if (state.failure === null) sample();
                draw();
              });
            }
            await new Promise((resume) => setTimeout(resume, period));
          }
        }

        """#
}
