// `node scripts/checkBackendsRan.mjs FILE reference wasm blas webgpu`: fails when FILE, written by the parity tests, lacks one of the named rollout backends.
import { existsSync, readFileSync } from "node:fs";

const [path, ...wanted] = process.argv.slice(2);
if (path === undefined || wanted.length === 0) {
  process.stderr.write("Usage: node scripts/checkBackendsRan.mjs FILE BACKEND...\n");
  process.exit(2);
}
const lines = existsSync(path) ? readFileSync(path, "utf8").split("\n") : [];
const ran = new Set(lines.filter((line) => line !== "").map((line) => JSON.parse(line).backend));
const absent = wanted.filter((name) => !ran.has(name));
process.stdout.write(`Rollout backends that the parity tests ran: ${[...ran].sort().join(", ") || "none"}\n`);
if (absent.length > 0) {
  process.stderr.write(`Not run: ${absent.join(", ")}. CI has what they need, so their parity tests must run there.\n`);
  process.exitCode = 1;
}
