import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Alarm, AuditView, NewTokenView, Problem, SessionView, UserView } from "#dashboards/server/wire";
import { IsothermError } from "#domain/errors";
import type { PeopleStore } from "#domain/people";
import { createAlarmBoard } from "#loop/alarmBoard";
import { buildOffice, type Office } from "../fixtures/officeStore.js";
import { Client, passwords, quickScrypt, threePeople } from "./client.js";
import { ask, inMemoryPeople, listenToEvents, type RunningDashboard, serve } from "./server.js";

const longWords = "four green lanterns";
/** How a proxy on the same machine passes on what came over HTTPS from elsewhere. */
const throughProxy = { "X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https" };

describe("before anybody is set up", () => {
  let office: Office;
  let dashboard: RunningDashboard;
  let store: PeopleStore;
  let setUp = 0;
  beforeAll(async () => {
    office = await buildOffice({ days: 0.25 });
    store = inMemoryPeople();
    dashboard = await serve(office, {
      people: { store, audit: office.store, scryptCost: quickScrypt, onSetUp: () => void setUp++ },
      orders: { acknowledge: async () => null },
    });
  });
  afterAll(() => dashboard.close());

  it("shows everything on the machine itself, lets an operator's work be done there, and nothing of an admin's", async () => {
    const client = new Client(dashboard.port);
    expect(await client.json<SessionView>("GET", "/session")).toEqual({
      user: null,
      role: "operator",
      csrfToken: null,
      needsSetup: true,
      canLogIn: true,
    });
    expect(await client.status("GET", "/overview")).toBe(200);
    expect(await client.status("POST", "/alarms/none/acknowledgement", {})).toBe(404);
    for (const path of ["/users", "/tokens", "/audit"]) expect(await client.status("GET", path)).toBe(401);
  });

  it("shows nothing through a proxy, not even to one that forgets to say it is one", async () => {
    const { port } = dashboard;
    for (const headers of [throughProxy, { Via: "1.1 proxy" }, { "X-Real-IP": "203.0.113.7" }, { Forwarded: "for=203.0.113.7" }]) {
      const answer = await ask(port, "/api/v1/overview", { headers });
      expect(answer.status).toBe(401);
      expect(answer.body).not.toContain("South offices");
    }
  });

  it("makes the first user with the token, once, and begins their session", async () => {
    const client = new Client(dashboard.port);
    const token = dashboard.setupToken!;
    expect(await client.status("POST", "/setup", { token: "wrong", name: "ada", password: longWords })).toBe(401);
    expect(await client.status("POST", "/setup", { token, name: "ada", password: "short" })).toBe(400);
    expect(setUp).toBe(0);
    const view = await client.json<SessionView>("POST", "/setup", { token, name: "ada", password: longWords });
    expect(view).toMatchObject({ user: { name: "ada", role: "admin" }, needsSetup: false });
    expect(setUp).toBe(1);
    expect(await new Client(dashboard.port).status("POST", "/setup", { token, name: "eve", password: longWords })).toBe(409);
    expect((await store.load()).users).toHaveLength(1);
    expect(JSON.stringify(await store.load())).not.toContain(longWords);
    // From now on the machine itself only looks.
    expect(await new Client(dashboard.port).json<SessionView>("GET", "/session")).toMatchObject({ role: "viewer", needsSetup: false });
    expect(await new Client(dashboard.port).status("POST", "/alarms/none/acknowledgement", {})).toBe(401);
  });
});

describe("people", () => {
  let office: Office;
  let dashboard: RunningDashboard;
  let store: PeopleStore;
  const acknowledged: string[] = [];
  beforeAll(async () => {
    office = await buildOffice({ days: 0.25 });
    const board = createAlarmBoard({ store: office.store, onError: (error) => expect.unreachable(String(error)) });
    await board.set(true, { id: "sensor-stale:space1", level: "warning", zone: "space1", text: "Silent.", action: "Look." }, office.nowMs);
    store = inMemoryPeople(await threePeople());
    dashboard = await serve(office, {
      people: { store, audit: office.store, scryptCost: quickScrypt },
      orders: {
        acknowledge: (id, acknowledgement) => board.acknowledge(id, acknowledgement),
        promoteModel: async ({ version, by }) => {
          if (version !== "m1") throw new IsothermError("configuration", "There is no such version.", { todo: "Choose another." });
          acknowledged.push(by);
          return "Model m1 is in force.";
        },
      },
    });
  });
  afterAll(() => dashboard.close());
  const client = (): Client => new Client(dashboard.port);
  const clients = new Map<string, Promise<Client>>();
  /** One session each for all tests that do not end it: hashing is slow by design. */
  const loggedIn = (name: keyof typeof passwords): Promise<Client> => {
    const known = clients.get(name);
    if (known !== undefined) return known;
    const one = client();
    const found = one.logIn(name, passwords[name]).then(() => one);
    clients.set(name, found);
    return found;
  };
  const audit = async (): Promise<AuditView["entries"]> => (await office.store.auditEntries(100)) as AuditView["entries"];

  it("logs in with a cookie that scripts cannot read and other sites cannot send", async () => {
    const one = client();
    const answer = await one.send("POST", "/session", { name: "Ada", password: passwords.ada });
    expect(answer.status).toBe(200);
    const cookie = String(answer.headers["set-cookie"]);
    expect(cookie).toMatch(/^isotherm-office=/);
    expect(cookie).toMatch(/; HttpOnly/);
    expect(cookie).toMatch(/; SameSite=Strict/);
    expect(JSON.parse(answer.body)).toMatchObject({ user: { name: "ada", role: "admin" }, role: "admin" });
    expect(answer.headers["cache-control"]).toBe("no-store");
  });

  it("ASVS 3.3.1: behind a proxy that speaks HTTPS the cookie is Secure and a __Host- one, and viewing needs a log-in", async () => {
    const one = client();
    one.headers = throughProxy;
    expect(await one.status("GET", "/overview")).toBe(401);
    const answer = await one.send("POST", "/session", { name: "eve", password: passwords.eve });
    expect(String(answer.headers["set-cookie"])).toMatch(/^__Host-isotherm-office=.*; Secure/);
    expect(await one.status("GET", "/overview")).toBe(200);
  });

  it("takes no password over plain HTTP from elsewhere", async () => {
    const one = client();
    one.headers = { "X-Forwarded-For": "203.0.113.7" };
    expect(await one.json<SessionView>("GET", "/session")).toMatchObject({ canLogIn: false, role: null });
    const answer = await one.send("POST", "/session", { name: "ada", password: passwords.ada });
    expect(answer.status).toBe(403);
    expect((JSON.parse(answer.body) as Problem).todo).toContain("https");
  });

  it("gives each role what it may do, and no more", async () => {
    const table: readonly (readonly [string, string, unknown, Readonly<Record<"eve" | "bob" | "ada", number>>])[] = [
      ["GET", "/overview", undefined, { eve: 200, bob: 200, ada: 200 }],
      ["POST", "/alarms/none/acknowledgement", { note: "" }, { eve: 403, bob: 404, ada: 404 }],
      ["POST", "/models/promotion", { version: "nope", reason: "" }, { eve: 403, bob: 403, ada: 409 }],
      ["GET", "/users", undefined, { eve: 403, bob: 403, ada: 200 }],
      ["POST", "/users", { name: "", role: "admin", password: "x" }, { eve: 403, bob: 403, ada: 400 }],
      ["DELETE", "/users/00000000-0000-4000-8000-00000000000f", undefined, { eve: 403, bob: 403, ada: 404 }],
      ["GET", "/tokens", undefined, { eve: 403, bob: 403, ada: 200 }],
      ["GET", "/audit", undefined, { eve: 403, bob: 403, ada: 200 }],
    ];
    for (const name of ["eve", "bob", "ada"] as const) {
      const one = await loggedIn(name);
      for (const [method, path, body, expected] of table)
        expect([name, method, path, await one.status(method, path, body)]).toEqual([name, method, path, expected[name]]);
    }
  });

  it("an operator acknowledges an alarm: who and when are stored with it, once", async () => {
    const bob = await loggedIn("bob");
    const alarm = await bob.json<Alarm>("POST", "/alarms/sensor-stale:space1/acknowledgement", { note: "Battery ordered" });
    expect(alarm.acknowledged).toEqual({ by: "bob", timeMs: office.nowMs, note: "Battery ordered" });
    const ada = await loggedIn("ada");
    const again = await ada.json<Alarm>("POST", "/alarms/sensor-stale:space1/acknowledgement", { note: "me too" });
    expect(again.acknowledged?.by).toBe("bob");
    const { alarms } = await client().json<{ alarms: Alarm[] }>("GET", "/alarms");
    expect(alarms.find(({ id }) => id === "sensor-stale:space1")?.acknowledged?.by).toBe("bob");
  });

  it("writes down every change and every log-in: who, what, to what, from where, and what was refused", async () => {
    const ada = await loggedIn("ada");
    const user = await ada.json<UserView>("POST", "/users", { name: "Zoë Núñez", role: "viewer", password: longWords });
    expect(await ada.status("PATCH", `/users/${user.id}`, { role: "operator", disabled: true })).toBe(200);
    expect(await ada.status("DELETE", `/users/${user.id}`)).toBe(204);
    expect(await client().status("POST", "/session", { name: "mallory", password: "guess guess guess" })).toBe(401);
    const newest = (await audit())
      .slice(0, 4)
      .map(({ who, action, target, outcome, address, detail }) => [who, action, target, outcome, address, detail]);
    expect(newest).toEqual([
      ["mallory", "session.login", "", "refused", "127.0.0.1", "wrong name, password or token"],
      ["ada", "user.remove", "Zoë Núñez", "done", "127.0.0.1", ""],
      ["ada", "user.change", "Zoë Núñez", "done", "127.0.0.1", "role operator, disabled"],
      ["ada", "user.create", "Zoë Núñez", "done", "127.0.0.1", "viewer"],
    ]);
    expect(
      (await audit()).filter(({ action, outcome }) => action === "session.login" && outcome === "done").map(({ who }) => who),
    ).toContain("ada");
    expect(JSON.stringify(await audit())).not.toMatch(new RegExp(`${longWords}|guess guess|scrypt`));
  });

  it("pages through the audit log, newest first, and offers no way to change it", async () => {
    const ada = await loggedIn("ada");
    const first = await ada.json<AuditView>("GET", "/audit?limit=2");
    const next = await ada.json<AuditView>("GET", `/audit?limit=2&before=${first.nextBefore}`);
    const seqs = [...first.entries, ...next.entries].map(({ seq }) => seq);
    expect(seqs).toEqual([seqs[0], seqs[0]! - 1, seqs[0]! - 2, seqs[0]! - 3]);
    for (const method of ["POST", "PUT", "PATCH", "DELETE"]) expect(await ada.status(method, "/audit")).toBe(405);
  });

  it("an API token works without cookie or CSRF token, by its role, until it is removed; only its hash is kept", async () => {
    const ada = await loggedIn("ada");
    const token = await ada.json<NewTokenView>("POST", "/tokens", { label: "exporter", role: "viewer", expiresInDays: 30 });
    expect(JSON.stringify(await store.load())).not.toContain(token.secret.slice(-43));
    const script = client();
    script.headers = { ...throughProxy, Authorization: `Bearer ${token.secret}` };
    expect(await script.status("GET", "/overview")).toBe(200);
    expect(await script.status("POST", "/alarms/none/acknowledgement", {})).toBe(403);
    expect(await ada.status("DELETE", `/tokens/${token.id}`)).toBe(204);
    expect(await script.status("GET", "/overview")).toBe(401);
  });

  it.each([
    "Bearer nonsense",
    "Basic YWRhOmFkYQ==",
    "Bearer isotherm_00000000-0000-4000-8000-000000000000_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
  ])("a request with the authorization %j is refused, also where nobody at all would be let in", async (authorization) => {
    expect((await ask(dashboard.port, "/api/v1/overview", { headers: { Authorization: authorization } })).status).toBe(401);
  });

  it("a token that has expired is none", async () => {
    let nowMs = Date.UTC(2026, 0, 1);
    const other = await serve(office, {
      people: { store: inMemoryPeople(await threePeople()), audit: office.store, scryptCost: quickScrypt },
      wallMs: () => nowMs,
    });
    try {
      const ada = new Client(other.port);
      await ada.logIn("ada", passwords.ada);
      const { secret } = await ada.json<NewTokenView>("POST", "/tokens", { label: "short", role: "viewer", expiresInDays: 1 });
      const headers = { Authorization: `Bearer ${secret}` };
      expect((await ask(other.port, "/api/v1/site", { headers })).status).toBe(200);
      nowMs += 86_400_001;
      expect((await ask(other.port, "/api/v1/site", { headers })).status).toBe(401);
    } finally {
      await other.close();
    }
  });

  it("ends sessions where the user is disabled, demoted or removed, and with them what was still streaming", async () => {
    const ada = await loggedIn("ada");
    const tom = await ada.json<UserView>("POST", "/users", { name: "tom", role: "operator", password: longWords });
    const one = client();
    one.headers = throughProxy;
    await one.logIn("tom", longWords);
    const events = await listenToEvents(dashboard, undefined, { ...throughProxy, Cookie: one.cookie });
    await events.until(({ name }) => name === "status");
    expect(await one.status("GET", "/overview")).toBe(200);
    await ada.json("PATCH", `/users/${tom.id}`, { disabled: true });
    expect(await one.status("GET", "/overview")).toBe(401);
    await events.ended;
    expect(await client().status("POST", "/session", { name: "tom", password: longWords })).toBe(401);
    expect(await ada.status("DELETE", `/users/${tom.id}`)).toBe(204);
  });

  it("ends the session at log-out: the old cookie is worth nothing", async () => {
    const bob = client();
    await bob.logIn("bob", passwords.bob);
    const { cookie } = bob;
    expect(await bob.status("DELETE", "/session")).toBe(204);
    const later = client();
    later.cookie = cookie;
    expect(await later.json<SessionView>("GET", "/session")).toMatchObject({ user: null });
  });

  it("changes one's own password with the present one, which ends the other sessions and not this one", async () => {
    const ada = await loggedIn("ada");
    const { id } = await ada.json<UserView>("POST", "/users", { name: "pat", role: "viewer", password: longWords });
    const [here, there] = [client(), client()];
    await here.logIn("pat", longWords);
    await there.logIn("pat", longWords);
    expect(await here.status("PUT", "/session/password", { current: "not that one at all", next: "five tall windows" })).toBe(401);
    expect(await here.status("PUT", "/session/password", { current: longWords, next: "pat pat pat pat" })).toBe(400);
    const view = await here.json<SessionView>("PUT", "/session/password", { current: longWords, next: "five tall windows" });
    expect(view.user?.name).toBe("pat");
    expect((await there.json<SessionView>("GET", "/session")).user).toBeNull();
    expect(await client().status("POST", "/session", { name: "pat", password: longWords })).toBe(401);
    await ada.json("DELETE", `/users/${id}`);
  });

  it("keeps somebody who may manage users", async () => {
    const ada = await loggedIn("ada");
    const { users } = await ada.json<{ users: UserView[] }>("GET", "/users");
    const { id } = users.find(({ name }) => name === "ada")!;
    expect(await ada.status("DELETE", `/users/${id}`)).toBe(409);
    expect(await ada.status("PATCH", `/users/${id}`, { role: "viewer" })).toBe(409);
    expect(await ada.status("PATCH", `/users/${id}`, { disabled: true })).toBe(409);
    expect(users.every((user) => !("passwordHash" in user))).toBe(true);
  });

  it("refuses a second user of a name that reads the same", async () => {
    const ada = await loggedIn("ada");
    for (const name of ["BOB", "ｂｏｂ"])
      expect(await ada.status("POST", "/users", { name, role: "viewer", password: longWords })).toBe(409);
  });

  it("says which version cannot be put to work, and by whom one was", async () => {
    const ada = await loggedIn("ada");
    expect(await ada.json("POST", "/models/promotion", { version: "m1", reason: "better" })).toEqual({ text: "Model m1 is in force." });
    expect(acknowledged).toEqual(["ada"]);
    expect((await audit())[0]).toMatchObject({ action: "model.promote", target: "m1", detail: "better", outcome: "done" });
  });

  it("answers with an error where users cannot be saved, and changes nothing", async () => {
    const broken = inMemoryPeople(await threePeople());
    const other = await serve(office, {
      people: {
        store: { ...broken, save: async () => Promise.reject(new Error("disk full")) },
        audit: office.store,
        scryptCost: quickScrypt,
      },
    });
    try {
      const ada = new Client(other.port);
      await ada.logIn("ada", passwords.ada);
      expect(await ada.status("POST", "/users", { name: "new", role: "viewer", password: longWords })).toBe(500);
      expect((await ada.json<{ users: UserView[] }>("GET", "/users")).users).toHaveLength(3);
      expect((await audit())[0]).toMatchObject({ action: "user.create", outcome: "failed" });
    } finally {
      await other.close();
    }
  });

  it("does not start where the users cannot be read: nothing is opened by losing them", async () => {
    const people = {
      store: { ...inMemoryPeople(), load: async () => Promise.reject(new Error("damaged")) },
      audit: office.store,
      scryptCost: quickScrypt,
    };
    await expect(serve(office, { people })).rejects.toThrow("damaged");
  });
});
