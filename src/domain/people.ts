/** viewer: sees. operator: also acknowledges and overrides. admin: also users, tokens, models and the audit log. */
export type Role = "viewer" | "operator" | "admin";
export const roles: readonly Role[] = ["viewer", "operator", "admin"];

export const hasRole = (role: Role, needed: Role): boolean => roles.indexOf(role) >= roles.indexOf(needed);

export interface UserRecord {
  readonly id: string;
  /** Unique whatever the case. */
  readonly name: string;
  readonly role: Role;
  readonly disabled: boolean;
  /** `scrypt$N$r$p$salt$key`: the parameters stand beside the key so that they can grow. */
  readonly passwordHash: string;
  readonly createdMs: number;
  /** Grows whenever sessions from before must end: another password, role or state. */
  readonly generation: number;
}

export interface TokenRecord {
  readonly id: string;
  readonly label: string;
  readonly role: Role;
  /** sha-256 of the secret, which has 256 random bits: nothing slower is needed. */
  readonly secretHash: string;
  readonly createdMs: number;
  readonly createdBy: string;
  readonly expiresMs: number | null;
}

export interface PeopleRecord {
  readonly users: readonly UserRecord[];
  readonly tokens: readonly TokenRecord[];
}

/** Where users and tokens are kept. `save` resolves once they are safe on disk. */
export interface PeopleStore {
  load(): Promise<PeopleRecord>;
  save(record: PeopleRecord): Promise<void>;
}

/** One entry of the audit log: who did what to what, when and from where. Never changed, never deleted. */
export interface AuditEntry {
  /** Wall clock: who acted on a simulated building acted at a real time. */
  readonly timeMs: number;
  /** A user's name, `token <label>`, `local`, or the name that somebody gave who was turned away. */
  readonly who: string;
  /** e.g. `session.login`, `user.create`, `alarm.acknowledge`. */
  readonly action: string;
  /** What it was done to; empty where the action says all. */
  readonly target: string;
  readonly outcome: "done" | "refused" | "failed";
  /** Network address, or `mqtt`, `socket`. */
  readonly address: string;
  /** What changed, for people; no secrets. */
  readonly detail: string;
}

export interface StoredAuditEntry extends AuditEntry {
  /** Grows by one per entry. */
  readonly seq: number;
}

export interface AuditStore {
  /** Resolves once the entry is safe on disk. */
  recordAudit(entry: AuditEntry): Promise<void>;
  /** Newest first; those before `beforeSeq` where it is given. */
  auditEntries(limit: number, beforeSeq?: number): Promise<readonly StoredAuditEntry[]>;
}
