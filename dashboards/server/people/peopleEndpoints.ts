import type { Request } from "express";
import { type Endpoint, endpoint } from "#dashboards/server/endpoint";
import { bodyInputs, pathInputs, queryInputs } from "#dashboards/server/input";
import type { Access, Identity } from "#dashboards/server/people/access";
import type { AuditLog } from "#dashboards/server/people/audit";
import { LoginBackoff, loginRules } from "#dashboards/server/people/loginBackoff";
import type { People, SetupToken } from "#dashboards/server/people/people";
import { ProblemError } from "#dashboards/server/problems";
import { answers } from "#dashboards/server/schemas";
import type { AuditView, NewTokenView, SessionView } from "#dashboards/server/wire";
import type { AuditStore } from "#domain/people";

export interface PeopleParts {
  readonly people: People;
  readonly access: Access;
  readonly audit: AuditLog;
  readonly auditStore: AuditStore;
  /** null once there is a user. */
  readonly setup: SetupToken | null;
  readonly onSetUp: () => void;
  readonly wallMs: () => number;
}

const dayMs = 86_400_000;
const wait = (waitS: number): ProblemError =>
  new ProblemError(429, "Too many wrong attempts.", "session", `Wait ${waitS} s, then try again.`, waitS);

/** Log-in and log-out, users, tokens and the audit log. */
export const peopleEndpoints = (parts: PeopleParts): readonly Endpoint[] => {
  const { people, access, audit, setup } = parts;
  const byAccount = new LoginBackoff(loginRules.account);
  const byAddress = new LoginBackoff(loginRules.address);

  const sessionView = (request: Request, who: Identity): SessionView => ({
    user: who.kind === "user" && who.userId !== null && who.role !== null ? { id: who.userId, name: who.name, role: who.role } : null,
    role: who.role,
    csrfToken: who.kind === "user" ? (request.session.csrfToken ?? null) : null,
    needsSetup: people.isEmpty,
    canLogIn: access.isPrivate(request),
  });

  /** One attempt at a secret: counted before it is looked at, for the account and for the address. */
  const attempt = async <T>(request: Request, account: string, action: string, work: () => Promise<T | null>): Promise<T> => {
    if (!access.isPrivate(request))
      throw new ProblemError(
        403,
        "Passwords do not travel unencrypted.",
        "session",
        "Open the dashboard with https:// (dashboard.certificate in the site file, or a proxy on this machine), or on the machine itself.",
      );
    const key = account.normalize("NFKC").toLowerCase();
    const address = request.ip ?? "unknown";
    const waitS = Math.max(byAccount.waitS(key), byAddress.waitS(address));
    if (waitS > 0) throw wait(waitS);
    byAccount.begin(key);
    byAddress.begin(address);
    let result: T | null;
    try {
      result = await work();
    } catch (error) {
      // The secret was right, or nobody looked: something else was wrong.
      byAccount.takeBack(key);
      byAddress.takeBack(address);
      throw error;
    }
    if (result === null) {
      await audit.record(request, account, "refused", { action, target: "", detail: "wrong name, password or token" });
      throw new ProblemError(401, "Name, password or token is wrong.", "session", "Try again; after several wrong ones you have to wait.");
    }
    byAccount.succeed(key);
    byAddress.takeBack(address);
    return result;
  };

  return [
    endpoint(
      { method: "get", path: "/session", id: "session", summary: "Who you are to the dashboard", access: "open", answer: answers.session },
      ({ request, who }) => sessionView(request, who),
    ),
    endpoint(
      {
        method: "post",
        path: "/session",
        id: "logIn",
        summary: "Log in",
        access: "open",
        body: bodyInputs.login,
        answer: answers.session,
        refusals: { 401: "Name or password is wrong", 429: "Too many wrong attempts; Retry-After says when to come back" },
      },
      async ({ request, body }) => {
        const user = await attempt(request, body.name, "session.login", () => people.authenticate(body.name, body.password));
        // Written down first: where that fails nobody is logged in.
        await audit.record(request, user.name, "done", { action: "session.login", target: "", detail: "" });
        await access.logIn(request, user);
        return sessionView(request, access.identify(request));
      },
    ),
    endpoint(
      { method: "delete", path: "/session", id: "logOut", summary: "Log out", access: "open", answer: null },
      async ({ request, who }) => {
        if (who.kind !== "user") return;
        await access.logOut(request);
        await audit.record(request, who.name, "done", { action: "session.logout", target: "", detail: "" });
      },
    ),
    endpoint(
      {
        method: "put",
        path: "/session/password",
        id: "changePassword",
        summary: "Change your own password; ends your other sessions",
        access: "viewer",
        body: bodyInputs.password,
        answer: answers.session,
        refusals: { 429: "Too many wrong attempts" },
      },
      async ({ request, who, body }) => {
        const { userId } = who;
        if (userId === null) throw new ProblemError(403, "Only a user has a password.", "session", "Log in.");
        const user = await attempt(request, who.name, "user.password", async () => {
          try {
            return await people.changeOwnPassword(userId, body.current, body.next);
          } catch (error) {
            if (error instanceof ProblemError && error.status === 403) return null;
            throw error;
          }
        });
        await audit.record(request, user.name, "done", { action: "user.password", target: user.name, detail: "own" });
        await access.logIn(request, user);
        return sessionView(request, access.identify(request));
      },
    ),
    endpoint(
      {
        method: "post",
        path: "/setup",
        id: "setUp",
        summary: "Make the first user, an admin, with the token from the data directory",
        access: "open",
        body: bodyInputs.setup,
        answer: answers.session,
        status: 201,
        refusals: { 401: "The token is wrong", 409: "There is a user already", 429: "Too many wrong attempts" },
      },
      async ({ request, body }) => {
        if (setup === null || !people.isEmpty)
          throw new ProblemError(409, "There is a user already.", "setup", "Log in, or ask an admin for an account.");
        const user = await attempt(request, "set-up", "setup", async () =>
          setup.matches(body.token) ? people.createFirst(body.name, body.password) : null,
        );
        parts.onSetUp();
        await audit.record(request, user.name, "done", { action: "setup", target: user.name, detail: "first user, admin" });
        await access.logIn(request, user);
        return sessionView(request, access.identify(request));
      },
    ),

    endpoint({ method: "get", path: "/users", id: "users", summary: "All users", access: "admin", answer: answers.users }, () => ({
      users: people.users(),
    })),
    endpoint(
      {
        method: "post",
        path: "/users",
        id: "createUser",
        summary: "Make a user",
        access: "admin",
        body: bodyInputs.newUser,
        answer: answers.user,
        status: 201,
        refusals: { 409: "There is a user of that name" },
      },
      ({ request, who, body: { name, role, password } }) =>
        audit.change(request, who, { action: "user.create", target: name, detail: role }, async () => {
          const { id } = await people.create(name, role, password);
          return people.users().find((user) => user.id === id);
        }),
    ),
    endpoint(
      {
        method: "patch",
        path: "/users/:id",
        id: "changeUser",
        summary: "Change a user's role, state or password; ends their sessions",
        access: "admin",
        params: pathInputs.id,
        body: bodyInputs.user,
        answer: answers.user,
        refusals: { 404: "There is no such user", 409: "Nobody would be left who may manage users" },
      },
      ({ request, who, params: { id }, body: { role, disabled, password } }) => {
        const detail = [
          role === undefined ? null : `role ${role}`,
          disabled === undefined ? null : disabled ? "disabled" : "enabled",
          password === undefined ? null : "new password",
        ].filter((text) => text !== null);
        const target = people.users().find((user) => user.id === id)?.name ?? id;
        return audit.change(request, who, { action: "user.change", target, detail: detail.join(", ") }, () =>
          people.update(id, {
            ...(role === undefined ? {} : { role }),
            ...(disabled === undefined ? {} : { disabled }),
            ...(password === undefined ? {} : { password }),
          }),
        );
      },
    ),
    endpoint(
      {
        method: "delete",
        path: "/users/:id",
        id: "removeUser",
        summary: "Remove a user; ends their sessions",
        access: "admin",
        params: pathInputs.id,
        answer: null,
        refusals: { 404: "There is no such user", 409: "Nobody would be left who may manage users" },
      },
      ({ request, who, params: { id } }) => {
        const target = people.users().find((user) => user.id === id)?.name ?? id;
        return audit.change(request, who, { action: "user.remove", target, detail: "" }, () => people.remove(id));
      },
    ),

    endpoint({ method: "get", path: "/tokens", id: "tokens", summary: "All API tokens", access: "admin", answer: answers.tokens }, () => ({
      tokens: people.tokens(),
    })),
    endpoint(
      {
        method: "post",
        path: "/tokens",
        id: "createToken",
        summary: "Make an API token; its secret is in this answer only",
        access: "admin",
        body: bodyInputs.newToken,
        answer: answers.newToken,
        status: 201,
      },
      ({ request, who, body: { label, role, expiresInDays } }): Promise<NewTokenView> => {
        const expiresMs = expiresInDays === null ? null : parts.wallMs() + expiresInDays * dayMs;
        const detail = `${role}, ${expiresInDays === null ? "without end" : `${expiresInDays} days`}`;
        return audit.change(request, who, { action: "token.create", target: label, detail }, () =>
          people.createToken(label, role, who.name, expiresMs),
        );
      },
    ),
    endpoint(
      {
        method: "delete",
        path: "/tokens/:id",
        id: "removeToken",
        summary: "Remove an API token",
        access: "admin",
        params: pathInputs.id,
        answer: null,
        refusals: { 404: "There is no such token" },
      },
      ({ request, who, params: { id } }) => {
        const target = people.tokens().find((token) => token.id === id)?.label ?? id;
        return audit.change(request, who, { action: "token.remove", target, detail: "" }, () => people.removeToken(id));
      },
    ),

    endpoint(
      {
        method: "get",
        path: "/audit",
        id: "audit",
        summary: "Who changed what",
        access: "admin",
        query: queryInputs.audit,
        answer: answers.audit,
      },
      async ({ query: { before, limit } }): Promise<AuditView> => {
        const entries = await parts.auditStore.auditEntries(limit + 1, before);
        const shown = entries.slice(0, limit);
        return { entries: shown, nextBefore: entries.length > limit ? shown.at(-1)!.seq : null };
      },
    ),
  ];
};
