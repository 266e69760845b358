"""Style sheet of the page."""

from __future__ import annotations

from wirelessfm.report.markup import Html

STYLE = Html("""
:root { color-scheme: light dark; --paper: #fdfdfc; --panel: #f3f4f4; --ink: #1c2024; --muted: #646b73;
  --rule: #d8dbde; --accent: #0b5fa5; --caution: #8a4b00; --caution-panel: #fdf3e3; --mark: #e6f0f8; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #15181b; --panel: #1e2226; --ink: #e3e6e8; --muted: #9aa3ab; --rule: #363c42;
    --accent: #7db8ea; --caution: #f0bd77; --caution-panel: #2c241a; --mark: #1d3142; } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink); overflow-wrap: break-word;
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 76rem; margin: 0 auto; padding: 2.2rem 1.2rem 4rem; }
h1 { font-size: 1.8rem; line-height: 1.2; margin: 0 0 .8rem; letter-spacing: -.01em; }
h2 { font-size: 1.3rem; margin: 0 0 .3rem; padding-top: 1.6rem; border-top: 1px solid var(--rule); }
h3 { font-size: 1.02rem; margin: 1.8rem 0 .4rem; }
h4 { font-size: .95rem; margin: 1.2rem 0 .2rem; }
section { margin-top: 2.6rem; }
p, .verdicts, .summary { max-width: 46rem; }
.lede, .note, figcaption, footer, .muted { color: var(--muted); }
.lede { margin: 0 0 .8rem; }
.note, figcaption, footer { font-size: .875rem; }
a { color: var(--accent); }
.summary { margin: 1rem 0; padding: .8rem 1.2rem .8rem 2.2rem; background: var(--panel); border-radius: 4px; }
.summary li + li { margin-top: .3rem; }
nav, .controls { display: flex; flex-wrap: wrap; gap: .4rem 1.2rem; margin: 1rem 0; }
.controls label { color: var(--muted); font-size: .9rem; }
select { font: inherit; color: var(--ink); background: var(--paper); border: 1px solid var(--rule);
  border-radius: 4px; padding: .3rem .4rem; max-width: 100%; }
.verdicts { list-style: none; padding: 0; margin: 0 0 1rem; }
.verdicts li { border-left: 3px solid var(--accent); padding: .1rem 0 .1rem .7rem; margin: .45rem 0; }
.verdicts .baseline { border-left-color: var(--caution); }
.warning { background: var(--caution-panel); color: var(--caution); padding: .5rem .8rem; border-radius: 4px; }
.scroll { overflow-x: auto; margin: .8rem 0; }
table { border-collapse: separate; border-spacing: 0; font-size: .86rem; font-variant-numeric: tabular-nums; }
th, td { padding: .36rem .5rem; text-align: left; vertical-align: baseline; white-space: nowrap; }
thead th { border-bottom: 2px solid var(--ink); vertical-align: bottom; }
thead th small { display: block; font-weight: 400; color: var(--muted); }
tbody tr + tr > * { border-top: 1px solid var(--rule); }
tbody th { font-weight: 500; }
tbody th[scope=row] { position: sticky; left: 0; background: var(--paper); white-space: normal;
  min-width: 13rem; max-width: 24rem; }
.number, .sortable thead th:not([data-better=text]) { text-align: right; }
.unlisted { color: var(--muted); }
.leaderboard thead th { max-width: 9rem; white-space: normal; }
.not-shared { color: var(--muted); font-weight: 400; }
.mean-rank, .mean-score { font-weight: 600; }
td .rank { display: inline; }
.best-learned { font-weight: 700; }
.best-overall { background: var(--mark); box-shadow: inset 0 0 0 1.5px var(--accent); border-radius: 3px; }
td small { color: var(--muted); font-weight: 400; }
.flag { display: inline-block; font-size: .74rem; font-weight: 600; color: var(--caution);
  border: 1px solid currentColor; border-radius: 3px; padding: 0 .35em; white-space: nowrap; }
.flag.good { color: var(--accent); }
details.line { margin: 0; }
details.line > summary { display: inline; color: inherit; text-decoration: underline dotted var(--muted);
  text-underline-offset: .2em; }
details.line > dl { min-width: 22rem; }
dl { margin: .3rem 0; font-size: .8rem; font-weight: 400; color: var(--muted); overflow-wrap: anywhere; }
dt, dd { display: inline; margin: 0; }
dt { font-weight: 600; }
code { font-size: .85em; }
thead button { all: unset; cursor: pointer; }
thead button:focus-visible, .scroll:focus-visible { outline: 2px solid var(--accent); }
th[aria-sort] button::after { content: " ▾"; color: var(--accent); }
th[aria-sort=ascending] button::after { content: " ▴"; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 21rem), 1fr)); gap: 1.2rem; }
figure { margin: 0; min-width: 0; max-width: 32rem; }
figure > svg { display: block; width: 100%; height: auto; }
figcaption { margin-top: .3rem; }
figcaption strong { color: var(--ink); font-weight: 600; display: block; }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: .3rem 1.3rem; padding: 0; margin: .8rem 0 .3rem;
  font-size: .9rem; }
figcaption .legend { margin: .2rem 0 0; }
.legend svg { vertical-align: -1px; }
.dot { display: inline-block; width: .7em; height: .7em; border-radius: 50%; }
details { margin: 1.2rem 0; }
details.board { margin: .5rem 0; }
[hidden] { display: none !important; }
output { color: var(--muted); font-size: .9rem; }
summary { cursor: pointer; color: var(--accent); }
footer { margin-top: 3rem; border-top: 1px solid var(--rule); padding-top: .8rem; }
@media (max-width: 40rem) {
  main { padding: 1.4rem .9rem 3rem; }
  h1 { font-size: 1.45rem; }
  .deviation, td small:not(.rank) { display: block; font-size: .82em; font-weight: 400; color: var(--muted); }
  details.line > dl { min-width: 0; }
  tbody th[scope=row] { min-width: 8rem; max-width: 10.5rem; }
}
@media print { .controls { display: none; } details { display: block; } }
""")
