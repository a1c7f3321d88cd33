import { hashPassword } from "#dashboards/server/people/passwords";
import type { SessionView } from "#dashboards/server/wire";
import type { PeopleRecord, Role } from "#domain/people";
import { ask, type RawAnswer } from "./server.js";

export const passwords = { ada: "eleven blue chairs", bob: "seven slow turbines", eve: "nine warm corridors" } as const;
export type Person = keyof typeof passwords;
const rolesOf: Readonly<Record<Person, Role>> = { ada: "admin", bob: "operator", eve: "viewer" };
let made: Promise<PeopleRecord> | null = null;

/** Hashing is slow by design; what is tested here is not how slow. */
export const quickScrypt = { N: 1024, r: 8, p: 1 };

/** Three people, one of each role. */
export const threePeople = (): Promise<PeopleRecord> => {
  made ??= (async () => {
    const users = [];
    for (const [n, [name, password]] of Object.entries(passwords).entries()) {
      users.push({
        id: `00000000-0000-4000-8000-00000000000${n}`,
        name,
        role: rolesOf[name as Person],
        disabled: false,
        passwordHash: await hashPassword(password, quickScrypt),
        createdMs: 1_000 + n,
        generation: 1,
      });
    }
    return { users, tokens: [] };
  })();
  return made;
};

/** A browser as far as cookies go: keeps what it is given and sends it back. */
export class Client {
  readonly port: number;
  cookie = "";
  csrfToken: string | null = null;
  headers: Record<string, string> = {};

  constructor(port: number) {
    this.port = port;
  }

  async send(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<RawAnswer> {
    const answer = await ask(this.port, `/api/v1${path}`, {
      method,
      headers: {
        ...(this.cookie === "" ? {} : { Cookie: this.cookie }),
        ...(this.csrfToken === null ? {} : { "X-CSRF-Token": this.csrfToken }),
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        ...this.headers,
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    for (const line of answer.headers["set-cookie"] ?? []) this.cookie = line.split(";")[0]!;
    return answer;
  }

  async json<T>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await this.send(method, path, body);
    if (answer.status >= 300) throw new Error(`${method} ${path} answered ${answer.status}: ${answer.body}`);
    return (answer.body === "" ? undefined : JSON.parse(answer.body)) as T;
  }

  async status(method: string, path: string, body?: unknown): Promise<number> {
    return (await this.send(method, path, body)).status;
  }

  async logIn(name: string, password: string): Promise<SessionView> {
    const view = await this.json<SessionView>("POST", "/session", { name, password });
    this.csrfToken = view.csrfToken;
    return view;
  }
}
