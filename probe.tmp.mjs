import { readFileSync } from "node:fs";
import v8 from "node:v8";
const rss=()=>{const s=readFileSync("/proc/self/smaps_rollup","utf8");return ["Rss","Pss","Private_Dirty"].map(k=>k+" "+Math.round(+s.match(new RegExp(k+": +(\\d+)"))[1]/1024)).join(" ")+" heap "+Math.round(process.memoryUsage().heapUsed/1e6)};
console.log("bare node",rss());
for (const m of process.argv.slice(2)) { await import(m); global.gc?.(); console.log(m,rss()); }
