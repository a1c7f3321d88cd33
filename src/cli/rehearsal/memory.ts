import { readdirSync, readFileSync } from "node:fs";

export interface Memory {
  readonly processes: number;
  /** Sum of resident sizes: what processes share counts once for each. */
  readonly rssMb: number;
  /** Sum of proportional sizes: what processes share counts once. NaN where the system does not tell. */
  readonly pssMb: number;
}

const kb = (text: string, name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(text)?.[1] ?? Number.NaN);

/** Of a process and all that it started (Linux). */
export const memoryOf = (pid: number): Memory => {
  const parents = new Map<number, number>();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      parents.set(Number(name), kb(readFileSync(`/proc/${name}/status`, "utf8"), "PPid"));
    } catch {
      // It ended meanwhile.
    }
  }
  const own = [pid];
  for (const one of own) for (const [child, parent] of parents) if (parent === one) own.push(child);
  let rssMb = 0;
  let pssMb = 0;
  for (const one of own) {
    try {
      rssMb += kb(readFileSync(`/proc/${one}/status`, "utf8"), "VmRSS") / 1024;
      pssMb += kb(readFileSync(`/proc/${one}/smaps_rollup`, "utf8"), "Pss") / 1024;
    } catch {
      pssMb = Number.NaN;
    }
  }
  return { processes: own.length, rssMb, pssMb };
};
