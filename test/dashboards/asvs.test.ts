import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connectionLimits } from "#dashboards/server/createDashboard";
import type { AuditView, SessionView, UserView } from "#dashboards/server/wire";
import { buildOffice, type Office, officeSite } from "../fixtures/officeStore.js";
import { Client, passwords, quickScrypt, threePeople } from "./client.js";
import { ask, inMemoryPeople, type RunningDashboard, sendRaw, serve } from "./server.js";

const markup = '<img src=x onerror="alert(1)">';
const rightToLeft = "\u202egnp.exe";

/** Items of OWASP ASVS 5.0 that concern the dashboard, by their numbers. Log-in, roles and tokens as such are in people.test.ts, the pages' side in test/e2e. */
describe("OWASP ASVS 5.0", () => {
  let office: Office;
  let dashboard: RunningDashboard;
  beforeAll(async () => {
    office = await buildOffice({
      days: 0.25,
      site: {
        ...officeSite,
        zones: officeSite.zones.map((zone, i) => ({ ...zone, label: [markup, rightToLeft, "x".repeat(10_000)][i] ?? zone.label })),
      },
    });
    dashboard = await serve(office, {
      people: { store: inMemoryPeople(await threePeople()), audit: office.store, scryptCost: quickScrypt },
      orders: { acknowledge: async () => null },
    });
  });
  afterAll(() => dashboard.close());
  const client = (): Client => new Client(dashboard.port);
  let adas: Promise<Client> | null = null;
  const ada = (): Promise<Client> => {
    adas ??= (async () => {
      const one = client();
      await one.logIn("ada", passwords.ada);
      return one;
    })();
    return adas;
  };
  const change = { name: "forged", role: "admin", password: "four green lanterns" };

  it("3.5.1 CSRF: a change with the cookie alone, with another session's token or an empty one is refused", async () => {
    const victim = await ada();
    const other = client();
    await other.logIn("eve", passwords.eve);
    for (const token of [null, "", "x", other.csrfToken, `${victim.csrfToken}x`]) {
      const forged = client();
      forged.cookie = victim.cookie;
      forged.csrfToken = token;
      expect([token, await forged.status("POST", "/users", change)]).toEqual([token, 403]);
      expect(await forged.status("DELETE", "/users/00000000-0000-4000-8000-000000000001")).toBe(403);
    }
    expect((await victim.json<{ users: UserView[] }>("GET", "/users")).users).toHaveLength(3);
  });

  it("3.5.1 CSRF: what another site's form or page can send is refused even with cookie and token", async () => {
    const victim = await ada();
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""]) {
      const answer = await victim.send("POST", "/users", change, { "Content-Type": type });
      expect([type, answer.status]).toEqual([type, 415]);
    }
    for (const headers of [
      { Origin: "http://evil.example" },
      { Origin: "null" },
      { Origin: "http://127.0.0.1:1" },
      { "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors" },
    ])
      expect((await victim.send("POST", "/users", change, headers as Record<string, string>)).status).toBe(403);
  });

  it("3.5.1 CSRF: log-in, set-up and what the machine itself may do take JSON of their own origin only", async () => {
    for (const path of ["/session", "/setup", "/alarms/x/acknowledgement"]) {
      expect((await client().send("POST", path, { name: "ada", password: passwords.ada }, { Origin: "http://evil.example" })).status).toBe(
        403,
      );
      expect([401, 415]).toContain((await client().send("POST", path, { a: 1 }, { "Content-Type": "text/plain" })).status);
    }
  });

  it("7.2.4 session fixation: a cookie from before the log-in, planted or given, is worth nothing after it", async () => {
    const planted = "isotherm-office=s%3Aplanted.signature";
    const victim = client();
    victim.cookie = planted;
    await victim.logIn("ada", passwords.ada);
    expect(victim.cookie).not.toBe(planted);
    const first = victim.cookie;
    await victim.logIn("ada", passwords.ada);
    expect(victim.cookie).not.toBe(first);
    for (const cookie of [planted, first]) {
      const attacker = client();
      attacker.cookie = cookie;
      expect((await attacker.json<SessionView>("GET", "/session")).user).toBeNull();
    }
    // Whoever has no session is given no cookie either.
    expect((await client().send("GET", "/session")).headers["set-cookie"]).toBeUndefined();
  });

  it("7.2.2 a cookie with another signature is none", async () => {
    const { cookie } = await ada();
    const forger = client();
    forger.cookie = `${cookie.slice(0, -4)}AAAA`;
    expect((await forger.json<SessionView>("GET", "/session")).user).toBeNull();
  });

  it("6.3.1 brute force: guesses at one account are slowed down however many come at once, and others can still log in", async () => {
    const own = await serve(office, {
      people: { store: inMemoryPeople(await threePeople()), audit: office.store, scryptCost: quickScrypt },
    });
    try {
      const guess = (i: number) => new Client(own.port).send("POST", "/session", { name: "eve", password: `guess number ${i} of many` });
      const answers = await Promise.all(Array.from({ length: 12 }, (_, i) => guess(i)));
      const statuses = answers.map(({ status }) => status);
      expect(statuses.filter((status) => status === 401)).toHaveLength(5);
      expect(statuses.filter((status) => status === 429)).toHaveLength(7);
      for (const { status, headers } of answers) if (status === 429) expect(Number(headers["retry-after"])).toBeGreaterThan(0);
      // Also the right password has to wait: otherwise it would tell itself from the wrong ones.
      const right = await new Client(own.port).send("POST", "/session", { name: "EVE", password: passwords.eve });
      expect([200, 429]).toContain(right.status);
      expect((await new Client(own.port).logIn("bob", passwords.bob)).user?.name).toBe("bob");
    } finally {
      await own.close();
    }
  });

  it("6.3.1 brute force: one address that tries many names is slowed down too", async () => {
    const own = await serve(office, {
      people: { store: inMemoryPeople(await threePeople()), audit: office.store, scryptCost: quickScrypt },
    });
    try {
      const statuses: number[] = [];
      for (let i = 0; i < 22; i++)
        statuses.push(await new Client(own.port).status("POST", "/session", { name: `name ${i}`, password: "the same guess" }));
      expect(statuses.slice(0, 20).every((status) => status === 401)).toBe(true);
      expect(statuses.at(-1)).toBe(429);
    } finally {
      await own.close();
    }
  });

  it("6.3.8 an unknown name, a wrong password and a disabled user are answered alike", async () => {
    const admin = await ada();
    const user = await admin.json<UserView>("POST", "/users", { name: "gone", role: "viewer", password: "four green lanterns" });
    await admin.json("PATCH", `/users/${user.id}`, { disabled: true });
    const answers = [];
    for (const [name, password] of [
      ["nobody-of-that-name", "wrong wrong wrong"],
      ["bob", "wrong wrong wrong"],
      ["gone", "four green lanterns"],
    ])
      answers.push(await client().send("POST", "/session", { name, password }));
    expect(new Set(answers.map(({ status, body }) => `${status} ${body}`)).size).toBe(1);
    await admin.json("DELETE", `/users/${user.id}`);
  });

  it("3.4.3 CSP without unsafe-inline, 3.4.6 frame-ancestors: on pages, answers, refusals and the interface's description", async () => {
    for (const path of ["/", "/api/v1/site", "/api/v1/users", "/nothing", "/api/docs", "/api/openapi.json"]) {
      const policy = String((await ask(dashboard.port, path)).headers["content-security-policy"]);
      expect(policy).not.toMatch(/unsafe|\*|https?:/);
      for (const part of ["default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"])
        expect(policy).toContain(part);
    }
  });

  it("5.3.2 path traversal: neither pages, documentation nor addresses with parameters lead to files", async () => {
    for (const path of [
      "/../package.json",
      "/api/docs/../../package.json",
      "/api/docs/%2e%2e%2f%2e%2e%2fpackage.json",
      "/api/v1/zones/..%2f..%2fetc%2fpasswd",
      "/api/v1/decisions/%2e%2e",
    ]) {
      const answer = await ask(dashboard.port, path);
      expect([400, 403, 404]).toContain(answer.status);
      expect(answer.body).not.toMatch(/"dependencies"|root:/);
    }
  });

  it("13.4 host allow-list: a change under another name is refused before anything is looked at", async () => {
    const admin = await ada();
    for (const host of ["evil.example", "127.0.0.1.nip.io", "localhost.evil.example"])
      expect((await admin.send("POST", "/users", change, { Host: host })).status).toBe(403);
  });

  it("2.2.1 input allow-list: wrong, unknown, huge and deep bodies are refused in words, never with 500", async () => {
    const admin = await ada();
    const deep = JSON.parse(`${'{"a":'.repeat(500)}1${"}".repeat(500)}`) as unknown;
    const bodies: readonly unknown[] = [
      {},
      [],
      { ...change, admin: true },
      { ...change, role: "owner" },
      { ...change, name: "" },
      { ...change, name: `a${rightToLeft}` },
      { ...change, name: "a\u0000b" },
      { ...change, name: markup },
      { ...change, name: "n".repeat(65) },
      { ...change, password: ["four green lanterns"] },
      { ...change, password: null },
      { __proto__: { role: "admin" }, name: "x" },
      deep,
    ];
    for (const body of bodies) {
      const answer = await admin.send("POST", "/users", body);
      expect([JSON.stringify(body).slice(0, 60), answer.status]).toEqual([JSON.stringify(body).slice(0, 60), 400]);
      expect(JSON.parse(answer.body)).toHaveProperty("todo");
    }
    expect(await admin.status("POST", "/users", { ...change, name: "n".repeat(20_000) })).toBe(413);
    for (const text of ["{", "nul", '"text"', "\u0000"]) {
      const answer = await ask(dashboard.port, "/api/v1/users", {
        method: "POST",
        body: text,
        headers: { Cookie: admin.cookie, "X-CSRF-Token": admin.csrfToken!, "Content-Type": "application/json" },
      });
      expect(answer.status).toBe(400);
      expect(answer.body).not.toMatch(/SyntaxError|JSON\.parse|node_modules|\bat .*:\d+/);
    }
  });

  it("2.2.1 input allow-list: a day that is in no calendar is refused in words", async () => {
    const { bodyInputs } = await import("#dashboards/server/input");
    const of = (first: string) => bodyInputs.adjustment.safeParse({ first, last: "2026-12-31", kwhPerDay: 1, reason: "longer hours" });
    for (const day of [
      "2026-02-31",
      "2026-13-01",
      "2026-00-10",
      "2026-99-99",
      "0000-00-00",
      "2026-1-1",
      "",
      "NaN",
      "+012026-01-01",
      markup,
    ])
      expect([day, of(day).success]).toEqual([day, false]);
    expect(of("2024-02-29").success).toBe(true);
  });

  it("hostile names and payloads come back as JSON text, whole, and never as a page", async () => {
    const admin = await ada();
    const answer = await admin.send("GET", "/overview");
    expect(answer.headers["content-type"]).toMatch(/^application\/json/);
    expect(answer.headers["x-content-type-options"]).toBe("nosniff");
    const { zones } = JSON.parse(answer.body) as { zones: { label: string }[] };
    expect(zones.map(({ label }) => label).slice(0, 2)).toEqual([markup, rightToLeft]);
    expect(zones[2]!.label).toHaveLength(10_000);
    await client().send("POST", "/session", { name: `${markup}\n2026 forged line`, password: "x" });
    const { entries } = await admin.json<AuditView>("GET", "/audit?limit=1");
    expect(entries[0]).toMatchObject({ who: `${markup}\n2026 forged line`, outcome: "refused" });
  });

  it("16.5.1 no stack traces: a fault inside is answered with an id, for changes too", async () => {
    const broken = await serve(office, {
      people: { store: inMemoryPeople(await threePeople()), audit: office.store, scryptCost: quickScrypt },
      orders: { acknowledge: async () => Promise.reject(new Error("disk /var/lib/isotherm is on fire")) },
    });
    try {
      const bob = new Client(broken.port);
      await bob.logIn("bob", passwords.bob);
      const answer = await bob.send("POST", "/alarms/x/acknowledgement", {});
      expect(answer.status).toBe(500);
      expect(answer.body).not.toMatch(/on fire|isotherm\/|\.ts\b|node_modules|\bat .*:\d+/);
      expect(answer.body).toMatch(/[0-9a-f]{8}-[0-9a-f-]{27}/);
    } finally {
      await broken.close();
    }
  });

  it("16.5.3 no fail-open: where the audit log cannot be written a log-in does not succeed", async () => {
    const audit = { ...office.store, recordAudit: async () => Promise.reject(new Error("disk full")), auditEntries: async () => [] };
    const broken = await serve(office, { people: { store: inMemoryPeople(await threePeople()), audit, scryptCost: quickScrypt } });
    try {
      const one = new Client(broken.port);
      expect(await one.status("POST", "/session", { name: "ada", password: passwords.ada })).toBe(500);
      expect(await one.status("GET", "/users")).toBe(401);
    } finally {
      await broken.close();
    }
  });

  it("16.3.1 log-ins, refused ones and log-outs are in the log file too, and no password or cookie is", async () => {
    const one = client();
    await one.logIn("bob", passwords.bob);
    const { cookie } = one;
    await one.send("DELETE", "/session");
    const lines = JSON.stringify(dashboard.log.lines);
    for (const action of ["session.login", "session.logout"]) expect(lines).toContain(action);
    for (const secret of [...Object.values(passwords), "wrong wrong wrong", decodeURIComponent(cookie.split("=")[1]!).slice(2, 34)])
      expect(lines).not.toContain(secret);
  });

  it("slow-loris: a change whose body never comes is closed within 20 s, while others are answered", { timeout: 40_000 }, async () => {
    const { headersTimeoutMs, requestTimeoutMs, connectionsCheckingIntervalMs } = connectionLimits;
    expect(Math.max(headersTimeoutMs, requestTimeoutMs) + connectionsCheckingIntervalMs).toBeLessThanOrEqual(20_000);
    const dripping = new Promise<string>((resolve) => {
      let answer = "";
      const socket = connect(dashboard.port, "127.0.0.1", () => {
        socket.write(
          `POST /api/v1/session HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"name":"`,
        );
      });
      const drip = setInterval(() => socket.write("a"), 500);
      socket.on("data", (chunk) => {
        answer += String(chunk);
      });
      socket.on("error", () => undefined);
      socket.on("close", () => {
        clearInterval(drip);
        resolve(answer);
      });
    });
    const halfOpen = sendRaw(dashboard.port, "POST /api/v1/session HTTP/1.1\r\nHost: localhost\r\nX-Slow: ");
    expect((await ask(dashboard.port, "/healthz")).status).toBe(200);
    for (const answer of await Promise.all([dripping, halfOpen])) expect(answer).toMatch(/^HTTP\/1\.1 408|^$/);
  });

  it("3.4.1 HSTS and 12.1.1 TLS 1.2 at least: with a certificate of its own the dashboard speaks nothing less", async () => {
    const folder = mkdtempSync(join(tmpdir(), "isotherm-tls-"));
    const make =
      "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout key.pem -out cert.pem";
    execFileSync("openssl", make.split(" "), { stdio: "ignore", cwd: folder });
    const [certificate, key] = ["cert.pem", "key.pem"].map((name) => readFileSync(join(folder, name), "utf8")) as [string, string];
    rmSync(folder, { recursive: true });
    const own = await serve(office, {
      tls: { certificate, key },
      people: { store: inMemoryPeople(await threePeople()), audit: office.store, scryptCost: quickScrypt },
    });
    try {
      expect(own.url).toMatch(/^https:/);
      const { request } = await import("node:https");
      const get = (maxVersion: "TLSv1.1" | "TLSv1.3") =>
        new Promise<Record<string, unknown>>((resolve, reject) => {
          request(
            {
              host: "127.0.0.1",
              port: own.port,
              path: "/api/v1/session",
              ca: certificate,
              servername: "localhost",
              minVersion: "TLSv1",
              maxVersion,
              agent: false,
            },
            (response) => {
              response.resume();
              resolve(response.headers);
            },
          )
            .on("error", reject)
            .end();
        });
      expect((await get("TLSv1.3"))["strict-transport-security"]).toMatch(/^max-age=31536000/);
      await expect(get("TLSv1.1")).rejects.toThrow(/protocol|version|alert|unsupported/i);
      await expect(ask(own.port, "/api/v1/session")).rejects.toThrow();
    } finally {
      await own.close();
    }
  });

  it("15.1 pages make elements in one place that takes text only: no innerHTML, eval or document.write anywhere", () => {
    const root = join(import.meta.dirname, "../../dashboards/web");
    const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
    expect(files.length).toBeGreaterThan(20);
    for (const name of files)
      expect([
        name,
        /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function/.exec(readFileSync(join(root, name), "utf8"))?.[0],
      ]).toEqual([name, undefined]);
  });
});
