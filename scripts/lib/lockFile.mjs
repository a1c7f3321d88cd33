import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** When a process began, where the system tells (Linux); tells a live owner from a later process with the same id. */
const startedAt = (pid) => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return "";
  }
};

const isAlive = ({ pid, started }) => {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (error.code !== "EPERM") return false;
  }
  const now = startedAt(pid);
  return started === "" || now === "" || started === now;
};

const read = (path) => {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
};

const parse = (text) => {
  try {
    const owner = JSON.parse(text);
    return Number.isInteger(owner.pid) && owner.pid > 0 ? owner : null;
  } catch {
    return null;
  }
};

/** Moves a dead owner's lock aside, and puts it back when another process was quicker and the file is now that one's. */
const removeStale = (path, text) => {
  const aside = `${path}.${process.pid}.stale`;
  try {
    renameSync(path, aside);
  } catch {
    return;
  }
  if (read(aside) !== text) {
    try {
      linkSync(aside, path);
    } catch {
      // A third process holds a new lock; the second one notices on its own check below.
    }
  }
  rmSync(aside, { force: true });
};

/**
 * Takes the lock file `path` for this process, waiting while a live process holds it; returns its release.
 * The lock of a process that is gone is ignored. Throws after `timeoutMs`, naming the holder.
 */
export const acquireLock = async (path, { timeoutMs = 600_000, onWait = () => {} } = {}) => {
  mkdirSync(dirname(path), { recursive: true });
  const mine = JSON.stringify({ pid: process.pid, started: startedAt(process.pid), token: Math.random() });
  const fresh = `${path}.${process.pid}.new`;
  const deadline = Date.now() + timeoutMs;
  let told = false;
  let contended = false;
  for (;;) {
    // A hard link appears with its content complete; an opened-then-written file could be read while still empty.
    writeFileSync(fresh, mine);
    try {
      linkSync(fresh, path);
      rmSync(fresh, { force: true });
      if (contended) await sleep(100);
      if (read(path) === mine) {
        return () => {
          if (read(path) === mine) rmSync(path, { force: true });
        };
      }
    } catch (error) {
      rmSync(fresh, { force: true });
      if (error.code !== "EEXIST") throw error;
    }
    const text = read(path);
    if (text === null) continue;
    const owner = parse(text);
    if (owner === null || !isAlive(owner)) {
      contended = true;
      removeStale(path, text);
      continue;
    }
    if (Date.now() > deadline)
      throw new Error(`${path} is held by process ${owner.pid} since more than ${Math.round(timeoutMs / 1000)} s.`);
    if (!told) onWait(owner.pid);
    told = true;
    await sleep(100);
  }
};
