// Builds isotherm into dist/: compiled code, WASM kernels, dashboard pages and the data files that code reads beside itself.
// `--if-stale` builds only when a source is newer than the last successful build.
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { buildPlan, contentHashOf, leftovers, missingOutputs, signatureOf } from "./lib/buildPlan.mjs";
import { checkoutRoot, say as sayAloud, seconds } from "./lib/checkout.mjs";
import { acquireLock } from "./lib/lockFile.mjs";
import { runProcess, stopProcesses } from "./lib/runProcess.mjs";

const stampPath = (root) => join(root, "dist/.buildStamp.json");

const readStamp = (root) => {
  try {
    return JSON.parse(readFileSync(stampPath(root), "utf8"));
  } catch {
    return null;
  }
};

const writeStamp = (root, stamp) => {
  writeFileSync(`${stampPath(root)}.new`, JSON.stringify(stamp));
  renameSync(`${stampPath(root)}.new`, stampPath(root));
};

/** True where dist holds a complete build of the sources as they are now. */
const isFresh = (root) => {
  const stamp = readStamp(root);
  if (stamp === null) return false;
  const plan = buildPlan(root);
  if (missingOutputs(root, plan).length > 0) return false;
  const signature = signatureOf(root, plan.inputs);
  if (stamp.signature === signature) return true;
  if (stamp.contentHash !== contentHashOf(root, plan.inputs)) return false;
  writeStamp(root, { ...stamp, signature });
  return true;
};

const copyData = (root, paths) => {
  let copied = 0;
  for (const path of paths) {
    const from = join(root, path);
    const to = join(root, "dist", path);
    const source = statSync(from);
    const target = statSync(to, { throwIfNoEntry: false });
    if (target?.size === source.size && target.mtimeMs === source.mtimeMs) continue;
    mkdirSync(dirname(to), { recursive: true });
    // By renaming, so that a daemon running from dist never reads half a file.
    copyFileSync(from, `${to}.new`);
    utimesSync(`${to}.new`, source.atime, source.mtime);
    renameSync(`${to}.new`, to);
    copied += 1;
  }
  return `${paths.length} files, ${copied} changed`;
};

const steps = (root, plan) => {
  const requireHere = createRequire(pathToFileURL(join(root, "package.json")));
  const command = (name, args, outputs) => ({
    name,
    run: async () => {
      const { code, output } = await runProcess(process.execPath, args, { cwd: root });
      if (code !== 0) return { failure: output.trim() || `ended with code ${code}` };
      const absent = outputs.filter((path) => !existsSync(join(root, path)));
      return absent.length === 0 ? { detail: "" } : { failure: `succeeded but did not write ${absent.slice(0, 5).join(", ")}` };
    },
  });
  const vite = () => join(dirname(requireHere.resolve("vite/package.json")), "bin/vite.js");
  return [
    command(
      "code (TypeScript)",
      [requireHere.resolve("typescript/bin/tsc"), "-p", "tsconfig.json", "--pretty", "false"],
      plan.outputs.code,
    ),
    ...(plan.hasWasm ? [command("kernels (AssemblyScript)", ["scripts/buildWasm.mjs"], plan.outputs.wasm)] : []),
    ...(plan.hasPages
      ? [command("pages (Vite)", [vite(), "build", "--config", "dashboards/web/vite.config.ts", "--logLevel", "warn"], plan.outputs.pages)]
      : []),
    { name: "data files", run: async () => ({ detail: copyData(root, plan.data) }) },
  ];
};

const buildAll = async (root, say) => {
  const began = Date.now();
  const plan = buildPlan(root);
  // Taken before compiling: what is edited while the build runs makes the next one stale again.
  const signature = signatureOf(root, plan.inputs);
  const contentHash = contentHashOf(root, plan.inputs);
  rmSync(stampPath(root), { force: true });
  for (const path of leftovers(root, plan)) rmSync(join(root, path), { force: true });
  // The compiler trusts its own record over what lies on disk and would not write a deleted file again.
  if (plan.outputs.code.some((path) => !existsSync(join(root, path)))) rmSync(join(root, "dist/.tsbuildinfo"), { force: true });

  const todo = steps(root, plan);
  say(`build: ${todo.map((step) => step.name).join(", ")}`);
  let finished = 0;
  const failures = [];
  await Promise.all(
    todo.map(async (step) => {
      const stepBegan = Date.now();
      const result = await step.run().catch((error) => ({ failure: error.message }));
      finished += 1;
      const note = result.failure === undefined ? (result.detail ?? "") : "FAILED";
      say(`build: [${finished}/${todo.length}] ${step.name}${note === "" ? "" : `: ${note}`} (${seconds(Date.now() - stepBegan)})`);
      if (result.failure !== undefined) failures.push(`${step.name} failed:\n${result.failure}`);
    }),
  );
  if (failures.length > 0) {
    process.stderr.write(`${failures.join("\n\n")}\nbuild: failed, dist is not usable; mend the errors above and build again.\n`);
    return false;
  }
  writeStamp(root, { signature, contentHash });
  say(`build: done in ${seconds(Date.now() - began)}`);
  return true;
};

/** Builds the checkout at `root`; true when dist is complete. With `ifStale` a fresh dist is left as it is. */
export const build = async ({ root = checkoutRoot, ifStale = false, say = sayAloud } = {}) => {
  if (ifStale && isFresh(root)) return true;
  const release = await acquireLock(join(root, "dist/.buildLock"), {
    onWait: (pid) => say(`build: waiting for the build of process ${pid}`),
  });
  const stop = (signal) => {
    stopProcesses();
    release();
    process.exit(signal === "SIGINT" ? 130 : 143);
  };
  process.on("SIGINT", stop).on("SIGTERM", stop);
  try {
    return (ifStale && isFresh(root)) || (await buildAll(root, say));
  } finally {
    process.off("SIGINT", stop).off("SIGTERM", stop);
    release();
  }
};

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const unknown = process.argv.slice(2).filter((arg) => arg !== "--if-stale");
  if (unknown.length > 0) {
    process.stderr.write(`build: unknown argument ${unknown.join(" ")}\nUsage: node scripts/build.mjs [--if-stale]\n`);
    process.exit(2);
  }
  const succeeded = await build({ ifStale: process.argv.includes("--if-stale") }).catch((error) => {
    process.stderr.write(`build: ${error.message}\n`);
    return false;
  });
  process.exitCode = succeeded ? 0 : 1;
}
