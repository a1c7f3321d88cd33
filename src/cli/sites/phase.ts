import { createHash } from "node:crypto";

/**
 * Where a site's control ticks lie in its interval: whole seconds from 0 to `stepS` − 1, the first 32 bits of SHA-256 of its id modulo `stepS`. The same after every
 * restart and on every machine, so that neither a site's history nor its neighbours' ticks move.
 */
export const phaseOf = (siteId: string, stepS: number): number =>
  createHash("sha256").update(siteId).digest().readUInt32BE(0) % Math.max(1, Math.floor(stepS));
