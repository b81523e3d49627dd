extension Page {
    /// Shows what the model has.
    static let drawing = #"""
        function shape(name, attributes, text) {
          const node = document.createElementNS('http://www.w3.org/2000/svg', name);
          for (const key in attributes) node.setAttribute(key, attributes[key]);
          if (text !== undefined) node.textContent = text;
          return node;
        }

        function drawServer(seat, known, now) {
          const card = document.querySelector(`[data-seat="${seat}"]`);
          const server = known && known.itself, heard = known && known.heard, asked = known && known.asked;
          const facts = [];
          let role = 'unknown', note = '', gone = false;
          if (server) {
            role = server.role;
            const flags = [server.isSuspect && 'proving itself after a stall', server.isDraining && 'handing over',
              server.isDrained && 'out of service', server.isPaused && 'automatic failover paused',
              !server.isHealthy && !server.isDrained && 'cannot serve'].filter(Boolean);
            note = flags.join(', ') || (server.isServing ? 'serves' : role === 'active' ? 'active, but does not serve'
              : role === 'passive' ? 'watches its peer' : 'waits for its peer or a client');
            const change = server.lastChange;
            const age = change ? change.age : server.uptime;
            facts.push(['Term', server.term || '–']);
            const began = server.time - age * 1000, { peer } = server;
            facts.push(['Since', Number.isFinite(age) ? `${clock(began)}, for ${span(age)}` : '–']);
            facts.push(['Because', change ? because(change.cause) : 'it was started']);
            const expired = peer && peer.isExpired ? ', counts as gone' : '';
            facts.push(['Peer heard', peer ? `${span(peer.lastHeard)} ago${expired}` : 'never']);
            facts.push(['Round trip', peer && peer.roundTrip !== undefined ? span(peer.roundTrip) : '–']);
            const { admitted, refused } = server.requests || {};
            facts.push(['Requests', admitted === undefined ? '–' : `${admitted} served, ${refused} refused`]);
            facts.push(['Stalls', server.stalls]);
            facts.push(['Version', server.version]);
          } else if (known) {
            if (asked) {
              gone = true;
              const since = Number.isFinite(asked.answered) ? `since ${clock(now - asked.answered * 1000)}` : 'yet';
              const error = asked.error || 'it is not the other server of this pair';
              note = `no answer ${since}${error.startsWith('no answer for') ? '' : `: ${error}`}`;
            } else {
              note = `as heard by the ${known.by.seat}`;
            }
            if (heard) {
              const flags = [heard.isDraining && 'handing over', heard.isPaused && 'automatic failover paused',
                heard.isHealthy === false && 'cannot serve'].filter(Boolean);
              if (!heard.isExpired) note = [note, ...flags].join('; ');
              role = heard.isExpired ? 'gone' : heard.role;
              gone = gone || heard.isExpired;
              if (heard.term !== undefined) facts.push(['Term', heard.term || '–']);
              facts.push(['Last role', heard.role]);
              facts.push(['Last heard', `${span(heard.lastHeard)} ago, by the ${known.by.seat}`]);
              if (heard.roundTrip !== undefined) facts.push(['Round trip', span(heard.roundTrip)]);
            } else {
              facts.push(['Last heard', `never, by the ${known.by.seat}`]);
            }
          }
          card.className = `server ${role}${gone ? ' gone' : ''}`;
          card.querySelector('.role').textContent = role;
          card.querySelector('.note').textContent = note;
          const rows = facts.flatMap(([name, value]) => [element('dt', name), element('dd', value)]);
          card.querySelector('dl').replaceChildren(...rows);
        }

        function drawTimeline(now) {
          const svg = byId('timeline');
          const width = Math.max(200, svg.clientWidth), left = 62, lane = 30, top = 4;
          const start = now - state.range * 1000;
          const within = (time) => (Math.max(start, Math.min(now, time)) - start) / (now - start);
          const x = (time) => left + within(time) * (width - left - 2);
          const { found, active } = reigns(now), open = gaps(active, now);
          const parts = [];
          svg.setAttribute('viewBox', `0 0 ${width} 136`);
          [...seats, 'gap'].forEach((row, index) => {
            const y = top + index * (lane + 6);
            parts.push(shape('text', { x: 0, y: y + 20 }, row === 'gap' ? 'gaps' : row));
            parts.push(shape('line', { x1: left, x2: width, y1: y + lane + 2, y2: y + lane + 2, class: 'axis' }));
            const bars = row === 'gap' ? open.map((gap) => ({ ...gap, role: 'gap' }))
              : found.filter((reign) => reign.seat === row);
            for (const bar of bars) {
              if (bar.end < start) continue;
              const role = ['active', 'passive', 'gap'].includes(bar.role) ? bar.role : 'waiting';
              const from = x(bar.start), wide = Math.max(2, x(bar.end) - from);
              const rect = shape('rect', { x: from, y, width: wide, height: lane, rx: 2, class: role });
              rect.append(shape('title', {}, role === 'gap' ? `nobody served for ${span((bar.end - bar.start) / 1000)}`
                : `${bar.role}, term ${bar.term}, from ${clock(bar.start)}`));
              parts.push(rect);
              if (role !== 'active' || wide < 80) continue;
              const label = `term …${String(bar.term).slice(-4)}`;
              parts.push(shape('text', { x: from + 6, y: y + 20, class: 'active' }, label));
            }
          });
          const ticks = width < 480 ? 2 : 4;
          for (let tick = 0; tick <= ticks; tick += 1) {
            const time = start + (now - start) * tick / ticks;
            const anchor = tick === 0 ? 'start' : tick === ticks ? 'end' : 'middle';
            parts.push(shape('text', { x: x(time), y: 130, 'text-anchor': anchor }, clock(time)));
          }
          svg.replaceChildren(...parts);
          const shown = open.filter((gap) => gap.end >= start), last = shown[shown.length - 1];
          const terms = active.filter((reign) => reign.end >= start).length;
          const few = (count, word) => `${count} ${word}${count === 1 ? '' : 's'}`;
          const story = last ? ` The last gap ${last.open ? 'began' : 'was'} at ${clock(last.start)}: `
            + `${span((last.end - last.start) / 1000)}.` : '';
          byId('timeline-text').textContent = `${few(terms, 'term')} and ${few(shown.length, 'gap')}.${story}`
            + ' Each server’s times are by its own clock.';
        }

        function drawChart(id, value, format) {
          const svg = byId(id), width = Math.max(200, svg.clientWidth), height = 112;
          const samples = state.samples, parts = [];
          const values = samples.flatMap((one) => seats.map((seat) => value(one[seat]))).filter(Number.isFinite);
          const most = Math.max(0, ...values), scale = most || 1;
          const x = (index) => 1 + (index + kept - samples.length) / (kept - 1) * (width - 2);
          const y = (number) => height - 20 - number / scale * (height - 42);
          svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
          parts.push(shape('line', { x1: 0, x2: width, y1: height - 20, y2: height - 20, class: 'axis' }));
          parts.push(shape('text', { x: 0, y: 12 }, values.length ? `at most ${format(most)}` : 'no data yet'));
          parts.push(shape('text', { x: 0, y: height - 4 }, `${kept * period / 60000} min ago`));
          parts.push(shape('text', { x: width, y: height - 4, 'text-anchor': 'end' }, 'now'));
          const texts = [];
          for (const seat of seats) {
            let path = '', gap = true, latest;
            samples.forEach((one, index) => {
              const number = value(one[seat]);
              if (Number.isFinite(number)) {
                path += `${gap ? 'M' : 'L'}${x(index).toFixed(1)} ${y(number).toFixed(1)}`;
                // A single point is a line too.
                if (gap) path += 'h.1';
              }
              gap = !Number.isFinite(number);
              latest = number;
            });
            if (path) parts.push(shape('path', { d: path, class: `line ${seat}` }));
            const text = Number.isFinite(latest) ? format(latest) : '–';
            texts.push(element('span', `${seat}: ${text}`, `series ${seat}`));
          }
          svg.replaceChildren(...parts);
          byId(`${id}-text`).replaceChildren(...texts);
        }

        function drawEvents() {
          const rows = state.records.slice(-12).reverse().map((record) => {
            const row = element('tr');
            const silent = Number.isFinite(record.peerSilence) ? span(record.peerSilence) : '–';
            const change = record.from === record.to ? `${record.to}, new term` : `${record.from} → ${record.to}`;
            const texts = [clock(record.time), record.seat, change, because(record.cause), silent, record.term];
            row.append(...texts.map((text) => element('td', text)));
            return row;
          });
          byId('events').replaceChildren(...rows);
        }

        function summary(known) {
          const serving = seats.filter((seat) => {
            const one = known[seat];
            if (!one) return false;
            if (!one.by || one.isToldAnew) return one.itself.isServing;
            return one.isHeardAnew && one.heard.role === 'active' && !one.heard.isExpired;
          });
          if (serving.length === 2) return 'Both servers serve: they do not hear each other.';
          return serving.length ? `The ${serving[0]} serves.` : 'Nobody serves.';
        }

        function setText(node, text) {
          // Written anew it would be read aloud anew.
          if (node.textContent !== text) node.textContent = text;
        }

        function draw() {
          const now = Date.now(), known = servers();
          const isStale = state.failure !== null;
          document.body.classList.toggle('stale', isStale);
          byId('stale').hidden = !isStale;
          if (isStale) {
            const since = state.answeredAt ? `since ${clock(state.answeredAt)}` : 'yet';
            setText(byId('stale'), `No answer ${since} from this server: ${state.failure}. What is below may be old.`);
          }
          if (!state.status) return;
          const name = state.status.server.pairName;
          setText(byId('title'), name ? `Pair ${name}` : 'Pair');
          setText(byId('summary'), isStale ? 'Not known at the moment.' : summary(known));
          const short = isStale ? 'No answer' : summary(known).replace(/[.:].*/, '');
          document.title = `${short} – ${byId('title').textContent}`;
          // What the last answer said ages with the page, and no role lasts longer than it is asked for.
          const then = isStale || state.paused ? state.answeredAt : now;
          for (const seat of seats) drawServer(seat, known[seat], then);
          drawTimeline(then);
          drawChart('latency', (one) => one && one.roundTrip, span);
          drawChart('requests', (one) => one && one.rate, (rate) => rate.toFixed(rate < 10 ? 1 : 0));
          drawEvents();
          const other = state.status.peer && state.status.peer.url;
          byId('other').hidden = !other;
          if (other && other.startsWith('http://')) byId('other').href = other;
        }

        byId('pause').addEventListener('click', () => {
          state.paused = !state.paused;
          byId('pause').setAttribute('aria-pressed', String(state.paused));
          byId('pause').textContent = state.paused ? 'Go on' : 'Pause the page';
        });
        document.querySelectorAll('[name=range]').forEach((input) => input.addEventListener('change', () => {
          state.range = Number(input.value);
          show(draw);
        }));
        addEventListener('resize', () => show(draw));
        run();

        """#
}
