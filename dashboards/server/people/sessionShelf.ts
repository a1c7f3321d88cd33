import { type SessionData, Store } from "express-session";

declare module "express-session" {
  interface SessionData {
    userId: string;
    /** Of the user when the session began; another one since then ends it. */
    generation: number;
    csrfToken: string;
    beganMs: number;
  }
}

/** Ends after so long without a request, and in any case after a week. */
export const sessionLimits = { idleMs: 12 * 3_600_000, absoluteMs: 7 * 86_400_000, maxSessions: 2_000 } as const;

interface Kept {
  readonly json: string;
  readonly expiresMs: number;
}

/** Sessions in memory: a restart logs everybody out. Bounded: the one that was quiet longest makes room. */
export class SessionShelf extends Store {
  private readonly kept = new Map<string, Kept>();

  has(id: string): boolean {
    return (this.kept.get(id)?.expiresMs ?? 0) > Date.now();
  }

  override get(id: string, callback: (error: unknown, session?: SessionData | null) => void): void {
    const found = this.kept.get(id);
    if (found !== undefined && found.expiresMs <= Date.now()) this.kept.delete(id);
    const alive = this.kept.get(id);
    setImmediate(callback, null, alive === undefined ? null : (JSON.parse(alive.json) as SessionData));
  }

  override set(id: string, session: SessionData, callback?: (error?: unknown) => void): void {
    const expiresMs = Math.min(Date.now() + sessionLimits.idleMs, (session.beganMs ?? Date.now()) + sessionLimits.absoluteMs);
    this.kept.delete(id);
    this.kept.set(id, { json: JSON.stringify(session), expiresMs });
    if (this.kept.size > sessionLimits.maxSessions) this.kept.delete(this.kept.keys().next().value!);
    if (callback !== undefined) setImmediate(callback);
  }

  override touch(id: string, session: SessionData, callback?: () => void): void {
    // A session that was ended meanwhile stays ended.
    if (this.kept.has(id)) this.set(id, session);
    if (callback !== undefined) setImmediate(callback);
  }

  override destroy(id: string, callback?: (error?: unknown) => void): void {
    this.kept.delete(id);
    if (callback !== undefined) setImmediate(callback);
  }
}
