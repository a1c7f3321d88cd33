import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connectionLimits } from "#dashboards/server/createDashboard";
import { createHostRule, hostNameOf } from "#dashboards/server/guards";
import type { Problem } from "#dashboards/server/wire";
import { buildOffice, type Office, officeSite } from "../fixtures/officeStore.js";
import { ask, type RunningDashboard, sendRaw, serve } from "./server.js";

const evilLabel = '<img src=x onerror="alert(1)">';

describe("dashboard security", () => {
  let office: Office;
  let dashboard: RunningDashboard;
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "isotherm-pages-"));
    mkdirSync(join(folder, "web/assets"), { recursive: true });
    writeFileSync(join(folder, "web/index.html"), "<!doctype html><title>pages</title>");
    writeFileSync(join(folder, "web/.hidden"), "hidden");
    writeFileSync(join(folder, "secret.txt"), "secret");
    office = await buildOffice({
      days: 0.25,
      site: { ...officeSite, zones: officeSite.zones.map((zone) => ({ ...zone, label: evilLabel })) },
    });
    dashboard = await serve(office, { webRoot: join(folder, "web") });
  });
  afterAll(async () => {
    await dashboard.close();
    rmSync(folder, { recursive: true });
  });

  it.each([
    "evil.example",
    "evil.example:80",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "10.1.2.3",
    "local host",
    "[::1",
    "a@localhost",
  ])("refuses the host name %j (DNS rebinding)", async (host) => {
    const answer = await ask(dashboard.port, "/api/v1/site", { headers: { Host: host } });
    expect([400, 403]).toContain(answer.status);
    expect(answer.body).not.toContain("Riverside");
  });

  it.each(["localhost", "LOCALHOST.", "127.0.0.1", "[::1]"])("answers to the loopback name %s", async (host) => {
    expect((await ask(dashboard.port, "/api/v1/site", { headers: { Host: `${host}:${dashboard.port}` } })).status).toBe(200);
  });

  it.each(["http://evil.example", "null", "http://localhost:1", "file://", "http://127.0.0.1.evil.example"])(
    "refuses requests of the origin %s",
    async (origin) => {
      for (const path of ["/api/v1/site", "/api/v1/events", "/"]) {
        expect((await ask(dashboard.port, path, { headers: { Origin: origin } })).status).toBe(403);
      }
    },
  );

  it("answers its own origin, and refuses what another site's page loads", async () => {
    const host = `127.0.0.1:${dashboard.port}`;
    expect((await ask(dashboard.port, "/api/v1/site", { headers: { Host: host, Origin: `http://${host}` } })).status).toBe(200);
    expect(
      (await ask(dashboard.port, "/api/v1/site", { headers: { "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors" } })).status,
    ).toBe(403);
    expect((await ask(dashboard.port, "/", { headers: { "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate" } })).status).toBe(
      200,
    );
  });

  it.each(["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])(
    "refuses %s: there is nothing to change, hence nothing to forge",
    async (method) => {
      const answer = await ask(dashboard.port, "/api/v1/site", { method, headers: { "Content-Type": "text/plain" } });
      expect(answer.status).toBe(405);
      expect(answer.headers.allow).toBe("GET, HEAD");
    },
  );

  it.each([
    "/../secret.txt",
    "/..%2fsecret.txt",
    "/%2e%2e/secret.txt",
    "/..%5csecret.txt",
    "/assets/../../secret.txt",
    "//secret.txt",
    "/%00",
    "/.hidden",
    "/api/v1/../../../secret.txt",
  ])("does not leave the folder of the pages for %s", async (path) => {
    const answer = await ask(dashboard.port, path);
    expect([400, 403, 404]).toContain(answer.status);
    expect(answer.body).not.toMatch(/^(secret|hidden)/);
  });

  it("sends a content security policy without unsafe-inline and no promise of HTTPS", async () => {
    for (const path of ["/", "/api/v1/site", "/nothing"]) {
      const { headers } = await ask(dashboard.port, path);
      const policy = String(headers["content-security-policy"]);
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("script-src 'self'");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toContain("unsafe");
      expect(headers["x-content-type-options"]).toBe("nosniff");
      expect(headers["x-frame-options"]).toBe("DENY");
      expect(headers["strict-transport-security"]).toBeUndefined();
      expect(headers["x-powered-by"]).toBeUndefined();
      expect(headers["access-control-allow-origin"]).toBeUndefined();
    }
  });

  it("keeps stacks and paths of an inner error in the log, under the id that the answer names", async () => {
    const broken = await serve({
      ...office,
      store: Object.assign(Object.create(office.store) as typeof office.store, {
        latest: async () => new Map(),
        onChange: () => () => undefined,
        latestDecision: async () => {
          throw new Error("disk /var/lib/isotherm/site.duckdb is on fire");
        },
      }),
    } as Office);
    try {
      const answer = await ask(broken.port, "/api/v1/decisions/latest");
      expect(answer.status).toBe(500);
      expect(answer.body).not.toMatch(/on fire|duckdb|\.ts\b|node_modules|\bat .*:\d+/);
      const { todo } = JSON.parse(answer.body) as Problem;
      const id = /[0-9a-f-]{36}/.exec(todo)?.[0];
      const line = broken.log.lines.find((entry) => (entry.fields as { id?: string }).id === id);
      expect(String((line?.fields as { err?: Error } | undefined)?.err?.message)).toContain("on fire");
    } finally {
      await broken.close();
    }
  });

  it("refuses an empty host name", async () => {
    const answer = await sendRaw(dashboard.port, "GET /api/v1/site HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n");
    expect(answer).toMatch(/^HTTP\/1\.1 403/);
  });

  it("answers malformed addresses with a problem, without a stack", async () => {
    for (const path of ["/api/v1/zones/%E0%A4%A", "/%"]) {
      const answer = await ask(dashboard.port, path);
      expect([400, 404]).toContain(answer.status);
      expect(answer.body).not.toMatch(/node_modules|\.js\b|\n\s+at /);
      expect(JSON.parse(answer.body)).toHaveProperty("todo");
    }
  });

  it("refuses oversized headers, addresses and bodies", async () => {
    expect(await sendRaw(dashboard.port, `GET /${"a".repeat(40_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`)).toMatch(/^HTTP\/1\.1 431/);
    expect(await sendRaw(dashboard.port, `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${"a".repeat(40_000)}\r\n\r\n`)).toMatch(
      /^HTTP\/1\.1 431/,
    );
    const answer = await sendRaw(
      dashboard.port,
      `POST /api/v1/site HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999999999\r\n\r\n${"a".repeat(1000)}`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 405/);
    expect(answer).toMatch(/connection: close/i);
  });

  it("sends zone names as JSON text, never as a page", async () => {
    const answer = await ask(dashboard.port, "/api/v1/overview");
    expect(answer.headers["content-type"]).toMatch(/^application\/json/);
    expect((JSON.parse(answer.body) as { zones: { label: string }[] }).zones[0]!.label).toBe(evilLabel);
    const wrong = await ask(dashboard.port, "/api/v1/zones/%3Cscript%3Ealert(1)%3C%2Fscript%3E");
    expect(wrong.status).toBe(400);
    expect(wrong.headers["content-type"]).toMatch(/^application\/json/);
  });

  it("limits the requests of one address and says when to come back", async () => {
    const limited = await serve(office, { maxRequestsPerMinute: 5 });
    try {
      const statuses: number[] = [];
      for (let i = 0; i < 7; i++) statuses.push((await ask(limited.port, "/api/v1/site")).status);
      expect(statuses).toEqual([200, 200, 200, 200, 200, 429, 429]);
      expect((await ask(limited.port, "/api/v1/site")).headers["retry-after"]).toMatch(/^\d+$/);
      expect((await ask(limited.port, "/healthz")).status).toBe(200);
    } finally {
      await limited.close();
    }
  });

  it(`closes half-open requests and goes on answering others meanwhile`, { timeout: 40_000 }, async () => {
    expect(connectionLimits.headersTimeoutMs).toBeLessThanOrEqual(10_000);
    expect(connectionLimits.requestTimeoutMs).toBeLessThanOrEqual(15_000);
    const halfOpen = Array.from({ length: 50 }, () => sendRaw(dashboard.port, "GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: "));
    expect((await ask(dashboard.port, "/healthz")).status).toBe(200);
    for (const answer of await Promise.all(halfOpen)) expect(answer).toMatch(/^HTTP\/1\.1 408/);
  });

  it("takes the next free port where its own is taken", async () => {
    const blocker = createServer();
    const port = await new Promise<number>((resolve) =>
      blocker.listen(0, "127.0.0.1", () => resolve((blocker.address() as { port: number }).port)),
    );
    const other = await serve(office, { port });
    try {
      expect(other.port).toBeGreaterThan(port);
      expect(other.url).toBe(`http://127.0.0.1:${other.port}/`);
      expect((await ask(other.port, "/healthz")).status).toBe(200);
    } finally {
      await other.close();
      await new Promise((resolve) => blocker.close(resolve));
    }
  });

  it("says what to do where it cannot listen at all", async () => {
    await expect(serve(office, { host: "192.0.2.1" })).rejects.toMatchObject({
      kind: "retryable",
      exitCode: 69,
      todo: expect.stringContaining("127.0.0.1"),
    });
  });

  it("says how to build the pages where they are missing", async () => {
    const bare = await serve(office, { webRoot: join(folder, "no-such-folder") });
    try {
      expect((await ask(bare.port, "/index.html")).status).toBe(404);
      const answer = await ask(bare.port, "/");
      expect(answer.status).toBe(503);
      expect(answer.body).toContain("npm run build");
    } finally {
      await bare.close();
    }
  });
});

describe("host rule", () => {
  it("bound to every address, accepts addresses and listed names, still no unknown name", () => {
    const rule = createHostRule("0.0.0.0", ["Building.Example"]);
    for (const name of ["192.168.1.20", "fe80::1", "building.example", "localhost"]) expect(rule(name)).toBe(true);
    for (const name of ["evil.example", "192.168.1.20.evil.example"]) expect(rule(name)).toBe(false);
  });

  it("reads names with and without port, and nothing else", () => {
    expect(["localhost:80", "[::1]:80", "A.b", "127.0.0.1"].map(hostNameOf)).toEqual(["localhost", "::1", "a.b", "127.0.0.1"]);
    expect(["", "a b", "a:b", "a/b", "user@host", "[::1"].map(hostNameOf)).toEqual([null, null, null, null, null, null]);
  });
});
