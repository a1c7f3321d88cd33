/** The report's style sheet: one column on a phone, black on white on paper. */
export const style = `
:root{--ink:#111827;--soft:#4b5563;--line:#d8dce2;--wash:#f5f7f9;--accent:#0b5c8a;--good:#e7f3ec;--bad:#b42318}
*{box-sizing:border-box}
html{color-scheme:light;-webkit-text-size-adjust:100%}
body{margin:0;font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;color:var(--ink);background:#fff}
header,main,footer{max-width:1180px;margin:0 auto;padding:0 20px}
header{padding-top:32px}
h1{font-size:1.9rem;line-height:1.2;margin:0 0 6px}
h2{font-size:1.3rem;margin:44px 0 4px;padding-top:14px;border-top:2px solid var(--ink)}
h2.small{font-size:1.02rem;margin:22px 0 4px;padding:0;border:0}
h3{font-size:1.02rem;margin:24px 0 4px}
p{margin:6px 0;max-width:78ch}
a{color:var(--accent)}
a:focus-visible,summary:focus-visible,.scroll:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
.soft,.note{color:var(--soft)}
.note{font-size:.87rem}
.facts{display:flex;flex-wrap:wrap;gap:10px;margin:18px 0 6px;padding:0;list-style:none}
.facts li{border:1px solid var(--line);border-radius:6px;padding:8px 14px;min-width:104px}
.facts b{display:block;font-size:1.35rem;line-height:1.25}
.facts .bad b{color:var(--bad)}
nav ul{columns:2;padding-left:18px;margin:8px 0}
.scroll{overflow-x:auto;margin:8px 0}
table{border-collapse:collapse;width:100%;font-size:.87rem;font-variant-numeric:tabular-nums}
caption{text-align:left;color:var(--soft);padding:0 0 6px;caption-side:top;white-space:nowrap}
th,td{padding:5px 8px;border-bottom:1px solid var(--line);text-align:right;vertical-align:top;white-space:nowrap}
th:first-child,td:first-child,th.name,td.name{text-align:left}
thead th.name{max-width:none}
td.wrap{white-space:normal;text-align:left;min-width:240px;overflow-wrap:anywhere}
thead th{white-space:normal;max-width:118px;border-bottom:2px solid var(--ink);vertical-align:bottom;font-weight:600}
tbody th{font-weight:400}
tbody.published th[scope=rowgroup]{font-weight:600;padding-top:14px;white-space:normal}
tbody.published th.name{white-space:normal;min-width:190px;max-width:230px}
tbody.published{color:var(--soft)}
td small,th small{display:block;color:var(--soft);font-size:.8em;line-height:1.3}
td.best{background:var(--good)}
td.best b::after{content:" ★";font-weight:400;color:#166534}
.over{color:var(--bad)}
.mark{vertical-align:-2px;margin-right:5px}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,420px),1fr));gap:8px 32px;align-items:start}
figure{margin:12px 0}
figcaption{font-weight:600;font-size:.95rem;margin-bottom:6px}
figcaption span{display:block;font-weight:400;color:var(--soft);font-size:.87rem}
svg text{font:12px system-ui,-apple-system,"Segoe UI",Roboto,Arial,sans-serif;fill:#374151}
svg .g{stroke:#e5e7eb;fill:none}
svg .t{font-weight:600;fill:#111827}
svg .n{font-weight:600;fill:#111827;font-size:12px}
svg.chart{width:100%;height:auto;display:block}
svg.week{width:100%;min-width:640px;height:auto;display:block}
svg.week text{font-size:21px}
svg.week .d{stroke:#d8dce2;fill:none}
svg.week .l{fill:none;stroke-width:2.5;stroke-linejoin:round}
svg.week .b,.swatch{fill:#d9efe2}
.swatch{display:inline-block;width:20px;height:11px;background:#d9efe2;border:1px solid #b5d9c4}
.legend{display:flex;flex-wrap:wrap;gap:2px 18px;font-size:.85rem;color:var(--soft);max-width:none}
.bars{display:grid;grid-template-columns:max-content 1fr max-content;gap:5px 10px;font-size:.87rem;margin:0;padding:0;list-style:none;align-items:center}
.bars li{display:contents}
.bars .track{position:relative;height:16px;background:var(--wash)}
.bars .bar{position:absolute;left:0;top:0;bottom:0;-webkit-print-color-adjust:exact;print-color-adjust:exact}
.bars .bar.broken{background-image:repeating-linear-gradient(135deg,transparent 0 4px,#ffffffa6 4px 8px)}
.bars .whisker{position:absolute;top:7px;height:2px;background:#111827}
.bars .value{font-variant-numeric:tabular-nums;text-align:right}
.note{max-width:96ch}
details{border-bottom:1px solid var(--line);padding:5px 0}
summary{cursor:pointer;padding:3px 0}
code{font:.9em ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
pre{white-space:pre-wrap;overflow-wrap:anywhere;background:var(--wash);padding:8px 10px;margin:6px 0;font:.82rem/1.45 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
.failed{border-left:4px solid var(--bad);padding:2px 14px;margin:12px 0;background:#fdf3f2}
dl{display:grid;grid-template-columns:max-content 1fr;gap:2px 16px;font-size:.9rem}
dt{color:var(--soft)}
dd{margin:0;overflow-wrap:anywhere}
footer{margin:40px auto;color:var(--soft);font-size:.87rem}
@media (max-width:560px){body{font-size:14px}header,main,footer{padding-left:12px;padding-right:12px}nav ul{columns:1}h1{font-size:1.5rem}dl{grid-template-columns:1fr}dt{margin-top:6px}.bars{grid-template-columns:minmax(0,38%) 1fr max-content}th,td{padding:4px 6px}.facts li{min-width:0;flex:1 1 40%}}
@media print{@page{margin:14mm}body{font-size:10.5px}header,main,footer{max-width:none;padding:0}nav{display:none}.scroll{overflow:visible}table{font-size:9px}th,td{padding:2px 4px}h2{break-after:avoid}section.case{break-before:page}figure,tr,details[open]{break-inside:avoid}svg.week{min-width:0}td.best,svg .b,.swatch{-webkit-print-color-adjust:exact;print-color-adjust:exact}a{color:inherit;text-decoration:none}details:not([open]){display:none}}
`.trim();
