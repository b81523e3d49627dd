extension Page {
    static let style = #"""
        :root {
          color-scheme: light dark;
          --back: #f5f6f8; --card: #ffffff; --line: #d5d9e0; --text: #16191f; --soft: #565e6b;
          --active: #14783c; --on-active: #ffffff; --passive: #b9cdf0; --on-passive: #10284f;
          --waiting: #c9ccd3; --on-waiting: #2b2f36; --gap: #c4231c; --on-gap: #ffffff; --link: #0b57b8;
          --first: #0b57b8; --second: #a84300;
        }
        @media (prefers-color-scheme: dark) {
          :root {
            --back: #101318; --card: #191d24; --line: #343b46; --text: #e8ebf0; --soft: #a3acba;
            --active: #3fb76d; --on-active: #04150b; --passive: #2f4a78; --on-passive: #e2ebfb;
            --waiting: #464d59; --on-waiting: #eceff4; --gap: #f0655c; --on-gap: #1c0302; --link: #83b4ff;
            --first: #7db0ff; --second: #ffa666;
          }
        }
        * { box-sizing: border-box; }
        body { margin: 0 auto; padding: 1rem; max-width: 70rem; background: var(--back); color: var(--text);
          font: 1rem/1.45 system-ui, "Liberation Sans", sans-serif; }
        h1 { font-size: 1.4rem; margin: 0; overflow-wrap: anywhere; }
        h2 { font-size: 1rem; margin: 0; }
        p { margin: 0; }
        a { color: var(--link); }
        :focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
        header { margin-bottom: 1rem; }
        #stale { margin-top: .5rem; padding: .5rem .75rem; background: var(--gap); color: var(--on-gap);
          border-radius: .4rem; }
        body.stale main { opacity: .6; }
        [hidden] { display: none !important; }
        article, section { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: 1rem;
          margin-bottom: 1rem; min-width: 0; }
        .pair, .charts { display: grid; gap: 0 1rem;
          grid-template-columns: repeat(auto-fit, minmax(min(20rem, 100%), 1fr)); }
        .server h2 { display: inline-block; margin-right: .5rem; }
        .role { display: inline-block; padding: .05rem .7rem; border-radius: 1rem; font-weight: 600;
          background: var(--waiting); color: var(--on-waiting); }
        .server.active .role { background: var(--active); color: var(--on-active); }
        .server.passive .role { background: var(--passive); color: var(--on-passive); }
        .server.gone .role { background: var(--gap); color: var(--on-gap); }
        .note { min-height: 1.45em; margin: .4rem 0; color: var(--soft); overflow-wrap: anywhere; }
        .server.gone .note { color: var(--gap); font-weight: 600; }
        dl { display: grid; grid-template-columns: 7.5rem 1fr; gap: .15rem .5rem; margin: 0; }
        dt { color: var(--soft); }
        dd { margin: 0; overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
        .heading { display: flex; flex-wrap: wrap; gap: .3rem 1.5rem; align-items: baseline; }
        fieldset { border: 0; margin: 0; padding: 0; display: flex; flex-wrap: wrap; gap: .1rem .9rem; }
        legend { float: left; margin-right: .9rem; color: var(--soft); padding: 0; }
        label { white-space: nowrap; }
        svg { display: block; width: 100%; height: 8.5rem; margin: .5rem 0; }
        #latency, #requests { height: 7rem; }
        svg text { fill: var(--soft); font-size: 12px; }
        svg .axis { stroke: var(--line); }
        svg .active { fill: var(--active); }
        svg .passive { fill: var(--passive); }
        svg .waiting { fill: var(--waiting); }
        svg .gap { fill: var(--gap); }
        svg text.active { fill: var(--on-active); }
        svg .line { fill: none; stroke-width: 2; stroke-linejoin: round; }
        svg .line.primary { stroke: var(--first); }
        svg .line.backup { stroke: var(--second); stroke-dasharray: 5 3; }
        .legend { display: flex; flex-wrap: wrap; gap: .2rem 1rem; color: var(--soft); font-size: .9rem; }
        .key::before { content: ""; display: inline-block; width: .9rem; height: .9rem; margin-right: .35rem;
          border-radius: .2rem; vertical-align: -.1rem; }
        .key.active::before { background: var(--active); }
        .key.passive::before { background: var(--passive); }
        .key.waiting::before { background: var(--waiting); }
        .key.gap::before { background: var(--gap); }
        .text { color: var(--soft); font-size: .9rem; font-variant-numeric: tabular-nums; }
        .series { margin-right: 1rem; white-space: nowrap; }
        .series::before { content: ""; display: inline-block; width: 1.2rem; margin-right: .35rem;
          vertical-align: .25rem; border-top: 2px solid var(--first); }
        .series.backup::before { border-top: 2px dashed var(--second); }
        .scroll { overflow-x: auto; margin-top: .5rem; }
        table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
        th, td { text-align: left; padding: .25rem .9rem .25rem 0; border-top: 1px solid var(--line);
          white-space: nowrap; }
        th { color: var(--soft); font-weight: 400; border-top: 0; }
        footer { display: flex; flex-wrap: wrap; gap: .5rem 1.5rem; align-items: center; }
        nav { display: flex; flex-wrap: wrap; gap: .3rem 1rem; }
        button { font: inherit; padding: .3rem .9rem; color: var(--text); background: var(--card);
          border: 1px solid var(--soft); border-radius: .4rem; cursor: pointer; }

        """#
}
