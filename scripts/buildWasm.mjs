// Compiles src/math/assembly to dist/src/math/kernels.wasm; does nothing when that file is newer than its sources.
import { mkdirSync, readdirSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const sourceFolder = join(root, "src", "math", "assembly");
const target = join(root, "dist", "src", "math", "kernels.wasm");

const modifiedMs = (path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;

/** Builds kernels.wasm where it is missing or older than a source; returns whether it did. */
export const buildWasm = async () => {
  const sources = readdirSync(sourceFolder)
    .filter((name) => name.endsWith(".ts"))
    .map((name) => join(sourceFolder, name));
  const newestMs = Math.max(modifiedMs(fileURLToPath(import.meta.url)), ...sources.map(modifiedMs));
  if (modifiedMs(target) > newestMs) return false;
  mkdirSync(join(root, "dist", "src", "math"), { recursive: true });
  const { default: asc } = await import("assemblyscript/asc");
  // Compiled aside and moved, so that a reader never sees half a file.
  const aside = `${target}.${process.pid}`;
  const { error, stderr } = await asc.main([
    join("src", "math", "assembly", "kernels.ts"),
    ...[
      "--baseDir",
      root,
      "--outFile",
      aside,
      "--runtime",
      "stub",
      "--optimizeLevel",
      "3",
      "--shrinkLevel",
      "0",
      "--converge",
      "--noAssert",
      "--enable",
      "simd",
    ],
  ]);
  if (error !== null) throw new Error(`src/math/assembly does not compile:\n${stderr.toString()}`);
  renameSync(aside, target);
  return true;
};

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  console.log((await buildWasm()) ? "built dist/src/math/kernels.wasm" : "dist/src/math/kernels.wasm is up to date");
}
