extension ReportPage {
    /// The page's style: by the reader's own choice of light or dark.
    static let style = """
        :root {
            color-scheme: light dark;
            --page: #f4f5f7; --card: #ffffff; --line: #e0e3e8; --grid: #e6e9ee; --text: #1b2027; --soft: #5b6572;
            --good: #14713f; --good-back: #e0f3e8; --bad: #a8172f; --bad-back: #fbe4e7; --plain-back: #e8ecf3;
            --c1: #2563c9; --c2: #c9540a; --c3: #15804f; --c4: #7446c7; --c5: #b3264f; --c6: #0b7688;
        }
        @media (prefers-color-scheme: dark) {
            :root {
                --page: #121519; --card: #1a1e24; --line: #2c323a; --grid: #282e36; --text: #e4e8ed; --soft: #9aa5b1;
                --good: #6fdaa0; --good-back: #12331f; --bad: #ff93a3; --bad-back: #43161e; --plain-back: #262d37;
                --c1: #71a7ff; --c2: #ffa05c; --c3: #56cb95; --c4: #bb9dff; --c5: #ff86a6; --c6: #4fc4d8;
            }
        }
        * { box-sizing: border-box; }
        body { margin: 0; background: var(--page); color: var(--text); font: 15px/1.5 system-ui, sans-serif; }
        main { max-width: 1180px; margin: 0 auto; padding: 2.2rem 1.4rem 3rem; }
        header { margin-bottom: 1.6rem; }
        header small { color: var(--soft); letter-spacing: .08em; text-transform: uppercase; font-size: .72rem; font-weight: 600; }
        h1 { font-size: 1.75rem; line-height: 1.2; margin: .15rem 0 .5rem; font-weight: 650; overflow-wrap: anywhere; }
        h2 { font-size: 1.05rem; margin: 2.1rem 0 .7rem; font-weight: 650; }
        p { margin: .3rem 0; max-width: 56rem; }
        .soft, figcaption span { color: var(--soft); }
        .verdict { display: inline-block; margin-top: .7rem; padding: .3rem .8rem; border-radius: 2rem; font-weight: 600; }
        .verdict.good, .tag.good { background: var(--good-back); color: var(--good); }
        .verdict.bad, .tag.bad { background: var(--bad-back); color: var(--bad); }
        .verdict.plain { background: var(--plain-back); }
        .tag { padding: .05rem .55rem; border-radius: 1rem; font-weight: 600; white-space: nowrap; }
        .tiles { display: flex; flex-wrap: wrap; gap: .8rem; }
        .tile, .card { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; }
        .tile { padding: .8rem 1rem .75rem; flex: 1 1 calc(100% / var(--columns) - 1rem); min-width: 150px; }
        .tile b { display: block; font-size: 1.5rem; line-height: 1.25; font-weight: 650; font-variant-numeric: tabular-nums; }
        .tile b.bad { color: var(--bad); }
        .tile b.good { color: var(--good); }
        .tile span { color: var(--soft); font-size: .84rem; display: block; }
        .charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(440px, 100%), 1fr)); gap: .8rem; }
        figure { margin: 0; padding: .8rem .9rem .7rem; min-width: 0; }
        figcaption { font-size: .9rem; margin: 0 0 .3rem .2rem; }
        figcaption span { font-size: .84rem; margin-left: .35rem; }
        svg { display: block; width: 100%; height: auto; }
        .legend { display: flex; flex-wrap: wrap; gap: .15rem 1.1rem; font-size: .82rem; color: var(--soft); margin: .25rem .2rem 0; }
        .legend span { display: inline-flex; align-items: center; gap: .4rem; }
        .key { width: 1.1rem; border-top: 3px solid currentColor; border-radius: 2px; }
        .key.faint { border-top-style: dotted; }
        .key.mark { width: 0; height: .9rem; border-top: 0; border-left: 2px dashed var(--soft); }
        .c1 { stroke: var(--c1); color: var(--c1); } .c2 { stroke: var(--c2); color: var(--c2); }
        .c3 { stroke: var(--c3); color: var(--c3); } .c4 { stroke: var(--c4); color: var(--c4); }
        .c5 { stroke: var(--c5); color: var(--c5); } .c6 { stroke: var(--c6); color: var(--c6); }
        .line { fill: none; stroke-width: 1.8; stroke-linejoin: round; stroke-linecap: round; }
        .line.faint { stroke-width: 1.3; stroke-dasharray: 3 3; }
        .area { fill: currentColor; fill-opacity: .13; stroke: none; }
        .dot { fill: none; stroke-width: 4; stroke-linecap: round; }
        .grid { stroke: var(--grid); stroke-width: 1; fill: none; }
        .mark { stroke: var(--soft); stroke-width: 1.2; stroke-dasharray: 4 3; fill: none; }
        .mark.many { stroke-opacity: .4; stroke-dasharray: none; }
        .tick { fill: var(--soft); font: 11px system-ui, sans-serif; font-variant-numeric: tabular-nums; }
        .end { text-anchor: end; } .mid { text-anchor: middle; }
        .strip { fill: transparent; } .strip:hover { fill: var(--soft); fill-opacity: .13; }
        .wide { overflow-x: auto; background: var(--card); border: 1px solid var(--line); border-radius: .6rem; }
        table { border-collapse: collapse; width: 100%; font-size: .9rem; font-variant-numeric: tabular-nums; }
        th, td { text-align: left; padding: .45rem .9rem; border-top: 1px solid var(--line); vertical-align: top; }
        thead th { border-top: 0; color: var(--soft); font-weight: 600; font-size: .8rem; white-space: nowrap; }
        tbody:first-child tr:first-child td { border-top: 0; }
        th.n, td.n { text-align: right; white-space: nowrap; }
        td { overflow-wrap: anywhere; }
        code { font: .86em ui-monospace, monospace; }
        ul { margin: .3rem 0; padding-left: 1.2rem; max-width: 60rem; }
        details { margin-top: .6rem; }
        summary { cursor: pointer; color: var(--soft); margin-bottom: .5rem; }
        footer { margin-top: 2.2rem; color: var(--soft); font-size: .84rem; }
        @media print {
            body { background: none; font-size: 12px; }
            main { padding: 0; max-width: none; }
            .tile, .card, .wide, tr { break-inside: avoid; }
            h2 { break-after: avoid; }
        }
        """
}
