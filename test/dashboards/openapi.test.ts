import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildOffice, type Office } from "../fixtures/officeStore.js";
import { officeSchedule, officeWhatIf } from "../fixtures/officeViews.js";
import { Client, passwords, quickScrypt, threePeople } from "./client.js";
import { ask, inMemoryPeople, type RunningDashboard, serve } from "./server.js";

interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
}
interface Operation {
  readonly operationId: string;
  readonly security: readonly Readonly<Record<string, unknown>>[];
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly required: boolean; readonly schema: Schema }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, { readonly schema: Schema }>> }>>;
}
interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

describe("the OpenAPI document", () => {
  let office: Office;
  let dashboard: RunningDashboard;
  let document: Document;
  beforeAll(async () => {
    office = await buildOffice({ days: 1 });
    await office.store.putAlarm({
      id: "sensor-stale:space1",
      level: "warning",
      zone: "space1",
      text: "Silent.",
      action: "Look.",
      sinceMs: office.nowMs,
      clearedMs: null,
      acknowledged: { by: "bob", timeMs: office.nowMs, note: "" },
    });
    dashboard = await serve(office, {
      people: { store: inMemoryPeople(await threePeople()), audit: office.store, scryptCost: quickScrypt },
      version: "1.2.3",
      learning: { trainingDays: 7, minDays: 3 },
      schedule: () => officeSchedule(office),
      adjustments: { load: async () => [], save: async () => undefined },
      orders: {
        acknowledge: async () => null,
        promoteModel: async () => "",
        rollbackModel: async () => "",
        overrideZone: async () => "",
        releaseZone: async () => "",
        setMode: async () => "",
        announceDemandResponse: async () => "",
        closeDays: async () => "",
        openDays: async () => null,
        endDemandResponse: async () => "",
        whatIf: async (question) => officeWhatIf(office, question),
      },
    });
    document = JSON.parse((await ask(dashboard.port, "/api/openapi.json")).body) as Document;
  });
  afterAll(() => dashboard.close());

  const resolved = (schema: Schema): Schema =>
    schema.$ref === undefined ? schema : resolved(document.components.schemas[schema.$ref.replace("#/components/schemas/", "")]!);

  /** Where an answer differs from its schema: a key that is not described or missing, or a value of another type. */
  const differences = (value: unknown, described: Schema | undefined, at: string): string[] => {
    if (described === undefined) return [`${at} is not described`];
    const schema = resolved(described);
    if (schema.anyOf !== undefined) {
      const all = schema.anyOf.map((one) => differences(value, one, at));
      return all.some((found) => found.length === 0) ? [] : (all.sort((a, b) => b.length - a.length)[0] ?? []);
    }
    const type = value === null ? "null" : Array.isArray(value) ? "array" : typeof value;
    if (schema.type !== undefined && ![schema.type].flat().includes(type)) return [`${at} is ${type}, described as ${schema.type}`];
    if (Array.isArray(value)) return value.flatMap((item) => differences(item, schema.items, `${at}[]`));
    if (typeof value !== "object" || value === null) return [];
    const missing = (schema.required ?? []).filter((key) => !(key in value)).map((key) => `${at}.${key} is missing`);
    const inner = Object.entries(value).flatMap(([key, child]) => {
      const more = typeof schema.additionalProperties === "object" ? schema.additionalProperties : undefined;
      return differences(child, schema.properties?.[key] ?? more, `${at}.${key}`);
    });
    return [...new Set([...missing, ...inner])];
  };

  it("is OpenAPI 3.1 with an id of its own for every operation, and no reference that leads nowhere", () => {
    expect(document.openapi).toBe("3.1.0");
    const ids = Object.values(document.paths).flatMap((path) => Object.values(path).map(({ operationId }) => operationId));
    expect(new Set(ids).size).toBe(ids.length);
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map((match) => match[1]!);
    expect(references.length).toBeGreaterThan(20);
    for (const reference of references) {
      expect(reference).toMatch(/^#\/components\/schemas\//);
      expect(Object.keys(document.components.schemas)).toContain(reference.replace("#/components/schemas/", ""));
    }
  });

  it("describes every key of every answer, and demands none that is absent", async () => {
    const ada = new Client(dashboard.port);
    await ada.logIn("ada", passwords.ada);
    const decision = office.latest.id;
    const asked: Readonly<Record<string, string>> = {
      "/api/v1/site": "/site",
      "/api/v1/status": "/status",
      "/api/v1/overview": "/overview",
      "/api/v1/zones/{zone}": "/zones/space1",
      "/api/v1/decisions/latest": "/decisions/latest",
      "/api/v1/decisions/{id}": `/decisions/${decision}`,
      "/api/v1/decisions": "/decisions",
      "/api/v1/series": "/series?points=space1.zoneAirTempC",
      "/api/v1/comfort": "/comfort",
      "/api/v1/energy": "/energy",
      "/api/v1/models/live": "/models/live",
      "/api/v1/schedule": "/schedule",
      "/api/v1/savings": "/savings?method=rule",
      "/api/v1/alarms": "/alarms",
      "/api/v1/session": "/session",
      "/api/v1/users": "/users",
      "/api/v1/tokens": "/tokens",
      "/api/v1/audit": "/audit",
    };
    const whatIf = document.paths["/api/v1/what-if"]?.post?.responses["200"]?.content?.["application/json"]?.schema;
    expect(differences(await ada.json("POST", "/what-if", {}), whatIf, "answer")).toEqual([]);
    for (const [path, url] of Object.entries(asked)) {
      const schema = document.paths[path]?.get?.responses["200"]?.content?.["application/json"]?.schema;
      expect([path, differences(await ada.json("GET", url), schema, "answer")]).toEqual([path, []]);
    }
  });

  it("describes query parameters as what they mean, with their limits and defaults", () => {
    const { parameters } = document.paths["/api/v1/zones/{zone}"]!.get!;
    expect(parameters!.map(({ name, in: place, required }) => [name, place, required])).toEqual([
      ["zone", "path", true],
      ["hours", "query", false],
    ]);
    expect(parameters![1]!.schema).toEqual({ type: "integer", minimum: 1, maximum: 168, default: 12 });
    expect(document.paths["/api/v1/series"]!.get!.parameters![0]).toMatchObject({ name: "points", required: true });
  });

  it("says of every address but the open ones that it needs credentials, and of every change that it needs the CSRF token", () => {
    for (const [path, operations] of Object.entries(document.paths))
      for (const [method, { security, operationId }] of Object.entries(operations)) {
        const open = ["session", "logIn", "logOut", "setUp", "health"].includes(operationId);
        const viewing = method === "get" && security.some((one) => Object.keys(one).length === 0);
        expect([path, method, open || viewing || security.every((one) => Object.keys(one).length > 0)]).toEqual([path, method, true]);
        if (!open && method !== "get") expect(security.filter((one) => "session" in one).every((one) => "csrf" in one)).toBe(true);
      }
  });

  it("holds every address that answers, and each refuses what it does not describe", async () => {
    const client = new Client(dashboard.port);
    for (const [path, operations] of Object.entries(document.paths)) {
      if (!path.startsWith("/api/v1")) continue;
      const concrete = path.replace("/api/v1", "").replace("{zone}", "space1").replace("{id}", "x");
      const described = new Set(Object.keys(operations).map((method) => method.toUpperCase()));
      for (const method of ["POST", "PUT", "PATCH", "DELETE"]) {
        if (!described.has(method)) expect([method, path, await client.status(method, concrete)]).toEqual([method, path, 405]);
      }
    }
  });

  it("is shown by Swagger UI from this server alone, without anything inline", async () => {
    const page = await ask(dashboard.port, "/api/docs");
    expect(page.status).toBe(200);
    expect(page.headers["content-security-policy"]).not.toContain("unsafe");
    expect(page.body).not.toMatch(/<script>|<style|\son\w+=|style=|https?:/);
    for (const [, file] of page.body.matchAll(/(?:src|href)="(docs[^"]+|openapi[^"]+)"/g)) {
      const answer = await ask(dashboard.port, `/api/${file}`);
      expect([file, answer.status]).toEqual([file, 200]);
    }
    expect((await ask(dashboard.port, "/api/docs/")).headers.location).toBe("../docs");
    for (const path of ["/api/docs/package.json", "/api/docs/..%2fpackage.json", "/api/docs/index.html"])
      expect((await ask(dashboard.port, path)).status).toBe(404);
  });
});
