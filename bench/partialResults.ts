import { createHash } from "node:crypto";
import { appendFileSync, existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** What a long benchmark has measured already: ended and started again, it goes on where it was. */
export interface PartialResults<T> {
  get(name: string): T | undefined;
  add(name: string, value: T): void;
  /** When all is measured, so that the next start measures anew. */
  remove(): void;
}

/** Results of exactly this code, in the system's folder for temporary files; a last line that was cut short is measured again. */
export const partialResults = <T>(bench: string): PartialResults<T> => {
  const file = join(tmpdir(), `isotherm-bench-${bench}-${codeDigest().slice(0, 12)}.jsonl`);
  const found = new Map<string, T>();
  if (existsSync(file)) {
    for (const line of readFileSync(file, "utf8").split("\n")) {
      try {
        const { name, value } = JSON.parse(line) as { readonly name: string; readonly value: T };
        found.set(name, value);
      } catch {
        // The end, or cut short there.
      }
    }
  }
  return {
    get: (name) => found.get(name),
    add: (name, value) => {
      found.set(name, value);
      // On a line of its own, also after one that was cut short.
      appendFileSync(file, `\n${JSON.stringify({ name, value })}`);
    },
    remove: () => rmSync(file, { force: true }),
  };
};

/** Of everything that figures depend on: models with their priors, mathematics, and the benchmarks themselves. */
const codeDigest = (): string => {
  const hash = createHash("sha256");
  for (const folder of ["../models", "../src/math", "."]) {
    const root = fileURLToPath(new URL(folder, import.meta.url));
    for (const name of (readdirSync(root, { recursive: true }) as string[]).sort()) {
      if (/\.(js|ts|json)$/.test(name)) hash.update(name).update(readFileSync(join(root, name)));
    }
  }
  return hash.digest("hex");
};
