import { randomUUID } from "node:crypto";
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { unavailableError } from "#domain/errors";

const ownerSchema = z.object({ pid: z.number().int().positive(), began: z.string(), host: z.string(), token: z.string() });
type Owner = z.output<typeof ownerSchema>;

/** State and beginning of a process, where the system tells (Linux): the beginning tells a live owner from a later process with the same number. */
function statusOf(pid: number): { readonly state: string; readonly began: string } {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return { state: fields[0] ?? "", began: fields[19] ?? "" };
  } catch {
    return { state: "", began: "" };
  }
}

/** Whether a process still runs; one that has ended and waits for its parent to notice (in containers for ever) does not. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EPERM") return false;
  }
  return statusOf(pid).state !== "Z";
}

function isAlive({ pid, began }: Owner): boolean {
  const now = statusOf(pid).began;
  return isRunning(pid) && (began === "" || now === "" || began === now);
}

function ownerIn(file: string): Owner | null {
  try {
    return ownerSchema.parse(JSON.parse(readFileSync(file, "utf8")));
  } catch {
    // Gone meanwhile, or cut short by a crash of the machine: nobody's.
    return null;
  }
}

/**
 * Takes a folder for this process and returns its release. Refused (69) while another process that lives holds it, naming it; the lock of a dead process of this
 * machine is taken over. One of another machine cannot be checked from here and is refused with what to do.
 */
export function lockFolder(folder: string): () => void {
  const file = join(folder, ".lock");
  const me: Owner = { pid: process.pid, began: statusOf(process.pid).began, host: hostname(), token: randomUUID() };
  const mine = `${file}.${me.token}`;
  // Three takeovers lost in a row mean that others are quicker: then they hold it.
  for (let attempt = 0; attempt < 3; attempt++) {
    // A hard link appears with its content complete; a file opened and then written could be read while still empty.
    writeFileSync(mine, JSON.stringify(me));
    try {
      linkSync(mine, file);
      return () => {
        if (ownerIn(file)?.token === me.token) rmSync(file, { force: true });
      };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    } finally {
      rmSync(mine, { force: true });
    }
    const owner = ownerIn(file);
    if (owner !== null && owner.host !== me.host)
      throw unavailableError(`${folder} is being written by process ${owner.pid} on ${owner.host}`, {
        todo: `Wait for it, or name another folder with --out. If that process is gone, remove ${file}.`,
      });
    if (owner !== null && isAlive(owner)) break;
    try {
      // Moved aside, not removed: only one of several can move it, and what another has put there since is moved back.
      renameSync(file, mine);
      const moved = ownerIn(mine);
      if (moved !== null && moved.token !== owner?.token) linkSync(mine, file);
    } catch {
      // Another process was quicker.
    }
    rmSync(mine, { force: true });
  }
  throw unavailableError(`${folder} is being written by another isotherm compare (process ${ownerIn(file)?.pid ?? "unknown"})`, {
    todo: "Wait for it, or name another folder with --out.",
  });
}
