import { createHash, randomBytes, randomUUID, timingSafeEqual } from "node:crypto";
import { hashPassword, passwordProblem, type ScryptCost, scryptCost, verifyPassword } from "#dashboards/server/people/passwords";
import { ProblemError } from "#dashboards/server/problems";
import type { TokenView, UserView } from "#dashboards/server/wire";
import type { PeopleRecord, PeopleStore, Role, TokenRecord, UserRecord } from "#domain/people";

const sha256 = (text: string): string => createHash("sha256").update(text, "utf8").digest("hex");
const sameText = (a: string, b: string): boolean => timingSafeEqual(Buffer.from(sha256(a)), Buffer.from(sha256(b)));
/** Names are compared as people read them. */
const keyOf = (name: string): string => name.normalize("NFKC").toLowerCase();

export const maxUsers = 500;
export const maxTokens = 200;
const tokenPattern = /^isotherm_([0-9a-f-]{36})_([\w-]{43})$/;

const userView = ({ id, name, role, disabled, createdMs }: UserRecord): UserView => ({ id, name, role, disabled, createdMs });
const tokenView = ({ id, label, role, createdMs, createdBy, expiresMs }: TokenRecord): TokenView => ({
  id,
  label,
  role,
  createdMs,
  createdBy,
  expiresMs,
});

const notFound = (what: string): ProblemError => new ProblemError(404, `There is no such ${what}.`, what, "Load the list again.");
const conflict = (error: string, todo: string): ProblemError => new ProblemError(409, error, "users", todo);

/** Users and API tokens: who there is, and whether somebody is who they say. Every change is on disk before it counts. */
export class People {
  private readonly store: PeopleStore;
  private readonly nowMs: () => number;
  private readonly cost: ScryptCost;
  private record: PeopleRecord;
  private changing: Promise<unknown> = Promise.resolve();

  private constructor(store: PeopleStore, record: PeopleRecord, nowMs: () => number, cost: ScryptCost) {
    this.store = store;
    this.cost = cost;
    this.record = record;
    this.nowMs = nowMs;
  }

  static async open(store: PeopleStore, nowMs: () => number, cost: ScryptCost = scryptCost): Promise<People> {
    return new People(store, await store.load(), nowMs, cost);
  }

  get isEmpty(): boolean {
    return this.record.users.length === 0;
  }

  users(): readonly UserView[] {
    return [...this.record.users].sort((a, b) => a.name.localeCompare(b.name)).map(userView);
  }

  tokens(): readonly TokenView[] {
    return [...this.record.tokens].sort((a, b) => b.createdMs - a.createdMs).map(tokenView);
  }

  /** The user whose session it is; null where the user was removed, disabled or changed since. */
  userOfSession(id: string, generation: number): UserRecord | null {
    return this.record.users.find((user) => user.id === id && user.generation === generation && !user.disabled) ?? null;
  }

  /** Takes as long whether there is such a user or not. */
  async authenticate(name: string, password: string): Promise<UserRecord | null> {
    const user = this.record.users.find((candidate) => keyOf(candidate.name) === keyOf(name));
    const right = await verifyPassword(password, user === undefined || user.disabled ? null : user.passwordHash, this.cost);
    return right && user !== undefined ? this.userOfSession(user.id, user.generation) : null;
  }

  tokenOf(text: string): TokenView | null {
    const match = tokenPattern.exec(text);
    const token = match === null ? undefined : this.record.tokens.find(({ id }) => id === match[1]);
    if (match === null || token === undefined) return null;
    const right = timingSafeEqual(Buffer.from(sha256(match[2]!), "hex"), Buffer.from(token.secretHash, "hex"));
    return right && (token.expiresMs === null || token.expiresMs > this.nowMs()) ? tokenView(token) : null;
  }

  /** The very first user, an admin. Refused once there is one. */
  async createFirst(name: string, password: string): Promise<UserRecord> {
    return this.create(name, "admin", password, true);
  }

  async create(name: string, role: Role, password: string, first = false): Promise<UserRecord> {
    this.checkPassword(password, name);
    const passwordHash = await hashPassword(password, this.cost);
    return this.change(({ users, tokens }) => {
      if (first && users.length > 0) throw conflict("There is a user already.", "Log in, or ask an admin for an account.");
      if (users.length >= maxUsers) throw conflict(`There are ${maxUsers} users already.`, "Remove those who are not needed.");
      if (users.some((user) => keyOf(user.name) === keyOf(name))) throw conflict("There is a user of that name.", "Choose another name.");
      const user: UserRecord = { id: randomUUID(), name, role, disabled: false, passwordHash, createdMs: this.nowMs(), generation: 1 };
      return [{ users: [...users, user], tokens }, user];
    });
  }

  /** Anything that is changed ends the user's sessions. */
  async update(id: string, wanted: { readonly role?: Role; readonly disabled?: boolean; readonly password?: string }): Promise<UserView> {
    const before = this.record.users.find((user) => user.id === id);
    if (before === undefined) throw notFound("user");
    if (wanted.password !== undefined) this.checkPassword(wanted.password, before.name);
    const passwordHash = wanted.password === undefined ? undefined : await hashPassword(wanted.password, this.cost);
    return this.change(({ users, tokens }) => {
      const user = users.find((candidate) => candidate.id === id);
      if (user === undefined) throw notFound("user");
      const next: UserRecord = {
        ...user,
        role: wanted.role ?? user.role,
        disabled: wanted.disabled ?? user.disabled,
        passwordHash: passwordHash ?? user.passwordHash,
        generation: user.generation + 1,
      };
      const others = users.filter((candidate) => candidate.id !== id);
      this.checkAdminLeft([...others, next]);
      return [{ users: [...others, next], tokens }, userView(next)];
    });
  }

  async changeOwnPassword(id: string, current: string, next: string): Promise<UserRecord> {
    const user = this.record.users.find((candidate) => candidate.id === id);
    if (user === undefined || !(await verifyPassword(current, user.passwordHash)))
      throw new ProblemError(403, "The present password is not right.", "current", "Type the password that you logged in with.");
    await this.update(id, { password: next });
    return this.record.users.find((candidate) => candidate.id === id)!;
  }

  async remove(id: string): Promise<UserView> {
    return this.change(({ users, tokens }) => {
      const user = users.find((candidate) => candidate.id === id);
      if (user === undefined) throw notFound("user");
      const others = users.filter((candidate) => candidate.id !== id);
      this.checkAdminLeft(others);
      return [{ users: others, tokens }, userView(user)];
    });
  }

  /** The secret is in the answer and nowhere else. */
  async createToken(
    label: string,
    role: Role,
    createdBy: string,
    expiresMs: number | null,
  ): Promise<TokenView & { readonly secret: string }> {
    const id = randomUUID();
    const secret = randomBytes(32).toString("base64url");
    return this.change(({ users, tokens }) => {
      if (tokens.length >= maxTokens) throw conflict(`There are ${maxTokens} tokens already.`, "Remove those that are not needed.");
      const token: TokenRecord = { id, label, role, secretHash: sha256(secret), createdMs: this.nowMs(), createdBy, expiresMs };
      return [
        { users, tokens: [...tokens, token] },
        { ...tokenView(token), secret: `isotherm_${id}_${secret}` },
      ];
    });
  }

  async removeToken(id: string): Promise<TokenView> {
    return this.change(({ users, tokens }) => {
      const token = tokens.find((candidate) => candidate.id === id);
      if (token === undefined) throw notFound("token");
      return [{ users, tokens: tokens.filter((candidate) => candidate.id !== id) }, tokenView(token)];
    });
  }

  private checkPassword(password: string, name: string): void {
    const problem = passwordProblem(password, name);
    if (problem !== null) throw new ProblemError(400, `password: ${problem}.`, "password", "Choose another password; a few words do well.");
  }

  private checkAdminLeft(users: readonly UserRecord[]): void {
    if (!users.some(({ role, disabled }) => role === "admin" && !disabled))
      throw conflict("Nobody would be left who may manage users.", "Make somebody else an admin first.");
  }

  /** One change after the other; in force once it is on disk. */
  private change<T>(work: (record: PeopleRecord) => readonly [PeopleRecord, T]): Promise<T> {
    const turn = this.changing.then(async () => {
      const [next, result] = work(this.record);
      await this.store.save(next);
      this.record = next;
      return result;
    });
    this.changing = turn.catch(() => undefined);
    return turn;
  }
}

/** Whoever reads it in the data directory may make the first user. It is good until there is one. */
export class SetupToken {
  readonly text = randomBytes(18).toString("base64url");

  matches(text: string): boolean {
    return sameText(this.text, text);
  }
}
