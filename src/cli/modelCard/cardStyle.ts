import { style } from "#cli/compare/report/style";

const dark = `--ink:#e9edee;--soft:#a9b4ba;--line:#323d44;--wash:#1d2429;--accent:#7cc0e8;--good:#163524;--bad:#f58b9a;--paper:#12171a;--grid:#2a343a;--label:#b8c2c7;
--s1:#f39a70;--s2:#85b8f0;--s3:#cf9be0;--fan:108,197,192;--fan-line:#6cc5c0;--heat:#f39a70;--cool:#85b8f0;--track:#222b31`;

/** The report's style with colours for light and dark, and what only the card has. */
export const cardStyle = `${style}
:root{--paper:#fff;--grid:#e5e7eb;--label:#374151;--s1:#c2410c;--s2:#0b63a5;--s3:#7e3794;--fan:15,95,99;--fan-line:#0f5f63;--heat:#b42318;--cool:#1d4ed8;--track:#eef1f4}
@media (prefers-color-scheme:dark){:root{${dark}}html{color-scheme:dark}}
body{background:var(--paper)}
h2{border-top-color:var(--line)}
svg text{fill:var(--label);font-size:13px}
svg .t,svg .n{fill:var(--ink);font-size:13px}
svg .g{stroke:var(--grid)}
svg .l{fill:none;stroke-width:2.2;stroke-linejoin:round;stroke-linecap:round}
svg .s1{stroke:var(--s1)}svg .s2{stroke:var(--s2)}svg .s3{stroke:var(--s3)}
svg .f1{fill:var(--s1)}svg .f2{fill:var(--s2)}svg .f3{fill:var(--s3)}
svg .b1{fill:var(--s1);opacity:.25}
svg .w{stroke:var(--soft);stroke-dasharray:5 5;fill:none;stroke-width:1.5}
svg.wide{min-width:880px}
svg .fan90{fill:rgba(var(--fan),.2)}
svg .fan80{fill:rgba(var(--fan),.28)}
svg .fanMean{stroke:var(--fan-line);stroke-width:1.6}
svg .measured{stroke:var(--ink);stroke-width:1.8}
svg .heating{stroke:var(--heat);stroke-width:1.4;stroke-dasharray:2 4}
svg .cooling{stroke:var(--cool);stroke-width:1.4;stroke-dasharray:7 4}
.facts li{background:var(--wash)}
.facts small{display:block;color:var(--soft)}
td.best b::after{color:inherit}
.bars .track{background:var(--track)}
.bars .bar{background:var(--s1)}
.bars{grid-template-columns:minmax(0,max-content) minmax(90px,1fr) max-content}
.own th{font-weight:600}
.own th small{font-weight:400}
ul.plain{padding-left:18px;margin:8px 0;max-width:86ch}
ul.plain li{margin:3px 0}
.good{color:var(--fan-line)}
@media print{:root{--paper:#fff}}
`.trim();
