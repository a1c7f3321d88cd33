import { createHash, timingSafeEqual } from "node:crypto";

/** Who may do what; filters as in MQTT subscriptions. */
export interface BrokerUser {
  readonly username: string;
  readonly password: string;
  /** Topics it may subscribe to. */
  readonly read: readonly string[];
  /** Topics it may publish to, its last will included. */
  readonly write: readonly string[];
  /** Client ids that only this user may connect with: whoever connects with a taken id throws its owner out. */
  readonly clientIds?: readonly string[];
}

export interface AccessList {
  /** The user that these credentials prove; "anonymous" without any; null where they are wrong or the client id is another's. */
  identify(clientId: string, username: string | undefined, password: Buffer | undefined): Identity | null;
}
export interface Identity {
  readonly name: string;
  readonly read: readonly string[];
  readonly write: readonly string[];
}

const digest = (secret: string | Buffer): Buffer => createHash("sha256").update(secret).digest();

/** Builds the access list. Compares passwords in constant time; an unknown user costs as much as a wrong password. */
export const createAccessList = (users: readonly BrokerUser[], anonymousRead: readonly string[]): AccessList => {
  const known = new Map(users.map((user) => [user.username, { user, digest: digest(user.password) }]));
  const owners = new Map(users.flatMap((user) => (user.clientIds ?? []).map((id) => [id, user.username] as const)));
  const nobody = digest("");
  return {
    identify: (clientId, username, password) => {
      const owner = owners.get(clientId);
      if (username === undefined || username === "") {
        return owner === undefined && anonymousRead.length > 0 ? { name: "anonymous", read: anonymousRead, write: [] } : null;
      }
      const entry = known.get(username);
      const right = timingSafeEqual(digest(password ?? ""), entry?.digest ?? nobody);
      if (entry === undefined || !right || entry.user.password === "") return null;
      if (owner !== undefined && owner !== username) return null;
      return { name: username, read: entry.user.read, write: entry.user.write };
    },
  };
};
