/** The page's stylesheet. */
export const style = `
:root {
  --paper: #ffffff; --panel: #f6f6f3; --line: #d9dbd7; --ink: #1c2126; --soft: #565f69;
  --link: #1d4f91; --focus: #1d4f91; --warn: #7a4a00; --warn-paper: #fff4dc; --warn-line: #d79b2e;
  --complete: #4f9a7c; --deviation: #b3311b; --waived: #6b4fb8; --gap: #8a6100; --none: #a3abb3;
  --complete-ink: #1f6b4d; --deviation-ink: #a32a15; --gap-ink: #7a5600; --none-ink: #565f69;
  --ground: #ffffff;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --paper: #14171a; --panel: #1b2024; --line: #343b42; --ink: #e4e7ea; --soft: #a3acb5;
    --link: #8fb8f0; --focus: #8fb8f0; --warn: #f3d08a; --warn-paper: #2c2415; --warn-line: #8a671f;
    --complete: #3f8a6c; --deviation: #f0775d; --waived: #b39df5; --gap: #e2b84c; --none: #6b747d;
    --complete-ink: #6cc3a0; --deviation-ink: #f58d76; --gap-ink: #e2b84c; --none-ink: #a3acb5;
    --ground: #14171a;
  }
}
* { box-sizing: border-box; }
html { color-scheme: light dark; scroll-padding-top: 6rem; -webkit-text-size-adjust: 100%; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 0.875rem/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif;
  font-variant-numeric: tabular-nums; overflow-wrap: anywhere;
}
h1, h2, h3 { line-height: 1.25; margin: 0; font-weight: 650; }
h1 { font-size: 1rem; }
h2 { font-size: 1.375rem; letter-spacing: -0.01em; }
h3 { font-size: 1rem; margin-top: 1.75rem; }
p, ul, dl, pre { margin: 0.5rem 0 0; }
ul { padding-left: 1.1rem; }
code, pre { font: 0.8125rem/1.45 ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace; }
pre {
  padding: 0.625rem 0.75rem; background: var(--panel); border: 1px solid var(--line);
  border-radius: 4px; white-space: pre-wrap; max-width: 100%;
}
a { color: var(--link); text-underline-offset: 2px; text-decoration-thickness: 1px; }
a:hover { text-decoration-thickness: 2px; }
:focus-visible { outline: 2px solid var(--focus); outline-offset: 2px; border-radius: 2px; }
h2:focus, main:focus { outline: none; }
.hidden {
  position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
  white-space: nowrap;
}
.skip { position: absolute; left: 0.5rem; top: -4rem; z-index: 3; padding: 0.5rem 0.75rem; background: var(--paper); }
.skip:focus { top: 0.5rem; }
.patterns { position: absolute; }
.small, .beside, .title, .uid, .count { color: var(--soft); }
.small, .uid { font-size: 0.8125rem; }
.beside { font-weight: 400; }
.uid { display: block; font-weight: 400; }
.title { font-weight: 400; }
.id { color: var(--soft); font-weight: 500; margin-right: 0.25rem; }
.statement { max-width: 46rem; white-space: pre-line; }
.verdict { font-size: 1rem; font-weight: 600; }
.nothing { color: var(--soft); }
.digest { font-size: 0.75rem; color: var(--soft); overflow-wrap: anywhere; }
.mark { color: var(--warn); font-weight: 650; white-space: nowrap; }
.conclusion { font-weight: 600; }
td .conclusion { font-weight: 500; }

.banner {
  position: sticky; top: 0; z-index: 2; display: grid; grid-template-columns: 1fr minmax(12rem, 22rem);
  gap: 0.25rem 1.5rem; align-items: center; padding: 0.5rem 1.25rem; background: var(--paper);
  border-bottom: 1px solid var(--line);
}
.titles { display: flex; flex-wrap: wrap; gap: 0 0.75rem; align-items: baseline; }
.titles h1 { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2; overflow: hidden; }
.titles p { margin: 0; }
.banner .quiet { margin: 0; color: var(--soft); font-size: 0.8125rem; grid-column: 1 / -1; }
.marks { grid-column: 1 / -1; display: flex; flex-wrap: wrap; gap: 0.25rem 0.375rem; list-style: none; margin: 0; padding: 0; }
.marks li {
  padding: 0 0.5rem; border: 1px solid var(--warn-line); border-radius: 2px;
  background: var(--warn-paper); color: var(--warn); font-size: 0.8125rem; font-weight: 600;
}
.warnings { margin-top: 0.75rem; padding: 0.5rem 0.875rem; background: var(--warn-paper); border-left: 4px solid var(--warn-line); }
.warnings ul, .warnings p { margin: 0; }
.warnings ul { list-style: none; padding: 0; }

nav { padding: 0.5rem 1.25rem; }
nav ul { display: flex; gap: 0 1rem; list-style: none; margin: 0; padding: 0; overflow-x: auto; }
nav li { white-space: nowrap; }
nav a { display: inline-block; padding: 0.25rem 0; color: var(--ink); text-decoration: none; }
nav a:hover { text-decoration: underline; }
nav a[aria-current] { font-weight: 650; box-shadow: inset 0 -2px 0 var(--link); }
.controls-nav { display: none; }
main { padding: 0.25rem 1.25rem 4rem; max-width: 92rem; }
.view { padding: 1rem 0 1.5rem; }
.view + .view { border-top: 1px solid var(--line); }
.script .view { display: none; border: 0; scroll-margin-top: 100vh; }
.script .view.open { display: block; }
.script:not(.routed) #\\/summary { display: block; }
.script .without-script { display: none; }
html:not(.script) a.item { color: inherit; text-decoration: none; }
@media (min-width: 64rem) {
  body { display: grid; grid-template-columns: 11rem minmax(0, 1fr); grid-template-rows: auto 1fr; }
  .banner { grid-column: 1 / -1; }
  nav { padding: 1rem 0 1rem 1.25rem; position: sticky; top: 4.5rem; align-self: start; max-height: calc(100vh - 4.5rem); overflow-y: auto; }
  nav ul { display: block; overflow: visible; }
  nav a { padding: 0.1875rem 0; }
  nav .controls-nav { display: block; margin-top: 0.75rem; padding-top: 0.75rem; border-top: 1px solid var(--line); font-size: 0.8125rem; }
  .controls-nav a { padding: 0.0625rem 0; }
}

.answers { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); border: solid var(--line); border-width: 1px 0 0 1px; margin-top: 0.875rem; }
.answer { border: solid var(--line); border-width: 0 1px 1px 0; padding: 0.5rem 0.875rem 0.625rem; }
.line { white-space: nowrap; }
.own { display: block; }
time { white-space: nowrap; }
.answer h3 { margin: 0; font-size: 0.8125rem; font-weight: 500; color: var(--soft); }
.figure { margin: 0.125rem 0 0; font-size: 1.1875rem; font-weight: 650; letter-spacing: -0.01em; }
.figure a { color: inherit; }
.to { font-weight: 400; color: var(--soft); }
.answer ul { list-style: none; margin: 0.25rem 0 0; padding: 0; font-size: 0.8125rem; }
.answer p:not(.figure) { font-size: 0.8125rem; margin: 0.25rem 0 0; }

.scroll { overflow-x: auto; margin-top: 0.625rem; }
table { border-collapse: collapse; width: 100%; }
caption { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
th, td { text-align: left; vertical-align: top; padding: 0.3125rem 0.875rem 0.3125rem 0; border-bottom: 1px solid var(--line); font-weight: 400; min-width: 4.5rem; }
tbody th { font-weight: 550; min-width: 9rem; }
thead th { font-size: 0.8125rem; color: var(--soft); vertical-align: bottom; white-space: nowrap; }
th:last-child, td:last-child { padding-right: 0; }
.number { text-align: right; white-space: nowrap; min-width: 0; }
.wide { min-width: 14rem; }
.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr)); gap: 0.625rem 1.5rem; margin-top: 0.875rem; }
.facts dt { color: var(--soft); font-size: 0.8125rem; }
.facts dd { margin: 0; }
.facts div:has(pre), .facts div:has(.digest) { grid-column: 1 / -1; }
details { margin-top: 0.5rem; }
td details { margin: 0; }
summary { cursor: pointer; color: var(--link); }
details > .facts, details > .scroll { padding-left: 1rem; }

.controls th { min-width: 15rem; }
.controls thead th { min-width: 0; }
.controls td, .controls tbody th { vertical-align: middle; }
.controls td:last-child { min-width: 11.5rem; }
th.days, td.days { min-width: 16rem; width: 36%; }
.strip, .axis { display: block; width: 100%; overflow: visible; }
.axis { fill: var(--soft); font-size: 0.6875rem; }
.strip line { stroke: var(--paper); stroke-width: 1; }
.strip rect { stroke-width: 1; }
rect.complete { fill: var(--complete); }
rect.deviation { fill: var(--deviation); stroke: var(--deviation); }
rect.gap { fill: url(#hatch); stroke: var(--gap); }
rect.waived { fill: url(#dots); stroke: var(--waived); }
rect.none { fill: var(--none); }
rect.later { fill: none; stroke: var(--none); stroke-dasharray: 2 2; }
.ground { fill: var(--ground); }
.gap-ink { fill: var(--gap); }
.waived-ink { fill: var(--waived); }
.legend { display: flex; flex-wrap: wrap; gap: 0.25rem 1rem; list-style: none; padding: 0; font-size: 0.8125rem; color: var(--soft); }
.legend li { display: flex; gap: 0.375rem; align-items: center; }
.strip.swatch { width: 18px; flex: none; }
.wide-strip { margin-top: 0.625rem; max-width: 64rem; }

.sign { display: inline-block; width: 1em; text-align: center; font-weight: 700; }
.sign.operated { color: var(--complete-ink); }
.sign.operated-with-deviations { color: var(--deviation-ink); }
.sign.insufficient-evidence { color: var(--gap-ink); }
.sign.did-not-operate { color: var(--none-ink); }
.chips { display: flex; flex-wrap: wrap; gap: 0.25rem; list-style: none; margin: 0; padding: 0; }
.chip { display: inline-block; padding: 0 0.4375rem; border: 1px solid var(--line); border-radius: 2px; color: var(--ink); text-decoration: none; white-space: nowrap; }
.chip:hover { border-color: var(--link); }
.chip.insufficient-evidence { border-style: dashed; border-color: var(--gap); }
.chip.operated-with-deviations { border-color: var(--deviation); }
.tally { white-space: nowrap; margin-right: 0.5rem; }

.filters { display: flex; flex-wrap: wrap; gap: 0.5rem 0.75rem; align-items: end; margin-top: 0.625rem; }
.filters:empty { display: none; }
.filters label, .search label { font-size: 0.8125rem; color: var(--soft); }
.filters label { display: grid; gap: 0.125rem; }
input, select, button {
  font: inherit; color: inherit; background: var(--paper); border: 1px solid var(--none);
  border-radius: 3px; padding: 0.25rem 0.5rem; min-width: 0; max-width: 100%;
}
input[type=search] { width: 18rem; }
.search input { width: 100%; }
button { cursor: pointer; }
button:disabled { color: var(--soft); cursor: default; border-style: dashed; }
.count-line { margin-top: 0.5rem; color: var(--soft); font-size: 0.8125rem; min-height: 1.2em; }
.pages { display: flex; gap: 0.5rem; align-items: center; margin-top: 0.625rem; }
.version { margin-top: 0.75rem; padding-top: 0.5rem; border-top: 1px solid var(--line); }
.version h4 { margin: 0.75rem 0 0; font-size: 0.875rem; }
tr.changed th::after { content: " changed"; color: var(--deviation-ink); font-weight: 400; font-size: 0.75rem; }
.crumbs { margin: 0 0 0.25rem; font-size: 0.8125rem; }

@media (max-width: 40rem) {
  .banner { grid-template-columns: 1fr 8.5rem; gap: 0.25rem 0.75rem; padding: 0.375rem 0.875rem; }
  .titles { display: block; }
  .titles p { font-size: 0.8125rem; }
  .titles .beside { display: none; }
  .marks { gap: 0.1875rem; }
  .marks li { font-size: 0.75rem; padding: 0 0.3125rem; line-height: 1.35; }
  .axis text:not(:nth-child(3n + 1)) { display: none; }
  nav, main { padding-left: 0.875rem; padding-right: 0.875rem; }
  input[type=search] { width: 100%; }
  .filters label { flex: 1 1 9rem; }
  .answers { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  .answer { padding: 0.375rem 0.5rem 0.5rem; }
  .figure { font-size: 1rem; }
  th.days, td.days { min-width: 12rem; }
  .controls th { min-width: 10rem; }
  .facts { grid-template-columns: repeat(auto-fill, minmax(9rem, 1fr)); gap: 0.5rem 1rem; }
}
/* WCAG 2.5.8: what fingers have to hit is 24 pixels high. */
@media (max-width: 40rem), (pointer: coarse) {
  td a, th a, li a, .crumbs a { display: inline-block; padding: 0.1875rem 0; }
}
@media (prefers-reduced-motion: no-preference) { html { scroll-behavior: smooth; } }

@page { margin: 14mm 12mm; }
@media print {
  html { font-size: 12px; }
  body { display: table; width: 100%; }
  .banner { display: table-header-group; position: static; border: 0; break-inside: avoid; }
  .titles h1 { display: block; }
  .banner .titles, .banner .marks, .banner .quiet { padding-bottom: 2mm; }
  main { display: table-row-group; }
  nav, .skip, .filters, .search, .pages, .count-line, .by-script, .without-script { display: none !important; }
  .script .view { display: block; }
  .script.data .view:not(.open) { display: none; }
  .script.data .view.open .by-script { display: block !important; }
  .view { padding: 4mm 0; }
  .view + .view { border-top: 1px solid var(--line); }
  h2, h3 { break-after: avoid; }
  tr, .answer, .legend, .warnings { break-inside: avoid; }
  thead { display: table-header-group; }
  .scroll { overflow: visible; }
  th, td { min-width: 4.25rem; padding-right: 2mm; }
  .number { min-width: 0; }
  tbody th, .controls th { min-width: 9rem; }
  th.days, td.days { min-width: 16rem; width: 30%; }
  details::details-content { content-visibility: visible; block-size: auto; }
  .view[id^="/control/"] { break-before: page; border: 0; }
  a { color: inherit; text-decoration: none; }
  details > summary { list-style: none; color: inherit; }
  * { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
}
`;
