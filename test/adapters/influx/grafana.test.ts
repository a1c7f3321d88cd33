import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openInfluxClient } from "#adapters/influx/influxClient";
import { addressOf, alarmLines, decisionLines, type InfluxLine, measurements, pointField, probeLine } from "#adapters/influx/wireNames";
import {
  comfortPoint,
  comfortQuantities,
  forecastLeadsH,
  forecastPoint,
  forecastQuantities,
  modelLeadsSteps,
  modelPoint,
  modelQuantities,
  operativePoint,
  savingsPoint,
  savingsQuantities,
  tariffPoint,
  tariffQuantities,
} from "#domain/figures";
import { buildingPoint, buildingQuantities, type PointName, sitePoint, siteQuantities, zonePoint, zoneQuantities } from "#domain/points";
import { decisionAt } from "../../contracts/telemetryStore.js";
import { Influxd, influxdInstalled } from "../../faults/support/influxd.js";

interface Dashboard {
  readonly panels: readonly { readonly title: string; readonly targets: readonly { readonly query: string; readonly alias: string }[] }[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly type: string; readonly query: string }[] };
}
const dashboard = JSON.parse(readFileSync("config/grafana/isotherm.json", "utf8")) as Dashboard;
const queries = dashboard.panels.flatMap(({ title, targets }) => targets.map(({ query }) => ({ title, query })));

const t0 = Math.floor(Date.now() / 60_000) * 60_000 - 600_000;
/** Every point that the daemon writes of itself, and two of those that a site may have besides. */
const points: readonly PointName[] = [
  ...zoneQuantities.map((quantity) => zonePoint("z", quantity)),
  ...comfortQuantities.map((quantity) => comfortPoint("z", quantity)),
  operativePoint("z"),
  ...siteQuantities.map(sitePoint),
  ...forecastLeadsH.flatMap((lead) => forecastQuantities.map((quantity) => forecastPoint("api.example", lead, quantity))),
  ...buildingQuantities.map(buildingPoint),
  ...tariffQuantities.map(tariffPoint),
  ...savingsQuantities.map(savingsPoint),
  ...modelLeadsSteps.flatMap((lead) => modelQuantities.map((quantity) => modelPoint("z", lead, quantity))),
  "z.coverage90Fraction",
  "z.co2Ppm",
];
const lines = (): readonly InfluxLine[] => [
  // More than once, since some queries ask for differences and spreads.
  ...[0, 60_000, 90_000].flatMap((afterMs) =>
    points.map((point): InfluxLine => {
      const { measurement, tags, field } = addressOf("office", point);
      return { measurement, tags, fields: { [field]: 21 + afterMs / 60_000 }, timeMs: t0 + afterMs };
    }),
  ),
  ...decisionLines("office", { ...decisionAt(t0, 1), command: { z: { heatingSetpointC: 20, coolingSetpointC: 24 } } }),
  ...alarmLines("office", { id: "a", level: "warning", zone: "z", text: "", action: "", sinceMs: t0, clearedMs: t0 + 1 }),
  probeLine("office", t0),
];

describe("names on the wire", () => {
  it("are all listed, with their tags and fields, and none is listed that nobody writes", () => {
    const seen = new Map<string, { tags: Set<string>; fields: Set<string> }>();
    for (const { measurement, tags, fields } of lines()) {
      const one = seen.get(measurement) ?? { tags: new Set(), fields: new Set() };
      for (const tag of Object.keys(tags)) one.tags.add(tag);
      for (const field of Object.keys(fields)) one.fields.add(field);
      seen.set(measurement, one);
    }
    expect([...seen.keys()].sort()).toEqual(Object.keys(measurements).sort());
    for (const [name, { tags, fields }] of Object.entries(measurements)) {
      expect([...seen.get(name)!.tags].sort()).toEqual([...tags].sort());
      if (fields !== null) expect([...seen.get(name)!.fields].sort()).toEqual([...fields].sort());
    }
  });
});

describe("the Grafana dashboard", () => {
  it("asks only for measurements, tags and fields that isotherm writes", () => {
    expect(queries.length).toBeGreaterThan(12);
    for (const { title, query } of queries) {
      const measurement = /FROM "([^"]+)"/.exec(query)?.[1] ?? "";
      const known = measurements[measurement];
      if (known === undefined) throw new Error(`${title}: no measurement ${measurement}`);
      const quantity = /"quantity" = '([^']+)'/.exec(query)?.[1];
      const fields = known.fields ?? [pointField(quantity ?? "")];
      const [selected = "", rest = ""] = query.split(" FROM ");
      for (const [, field] of selected.matchAll(/\w+\("([^"]+)"\)/g)) expect(fields, `${title}: ${field}`).toContain(field);
      const named = [...rest.replace(`"${measurement}"`, "").matchAll(/"([^"]+)"/g)].map(([, tag]) => tag);
      expect(named.length).toBeGreaterThan(0);
      for (const tag of named) expect(known.tags, `${title}: ${tag}`).toContain(tag);
    }
  });
  it("shows something of every measurement that is written, but for the probe", () => {
    const shown = new Set(queries.map(({ query }) => /FROM "([^"]+)"/.exec(query)?.[1]));
    expect([...shown].sort()).toEqual(
      Object.keys(measurements)
        .filter((name) => name !== "isotherm_probe")
        .sort(),
    );
  });
  it("names in its captions only tags that it groups by", () => {
    for (const { targets } of dashboard.panels)
      for (const { query, alias } of targets)
        for (const [, tag] of alias.matchAll(/\$tag_(\w+)/g)) expect(query.split("GROUP BY")[1]).toContain(`"${tag}"`);
  });

  describe.skipIf(!influxdInstalled)(`beside a real InfluxDB${influxdInstalled ? "" : " (skipped: influxd is not installed)"}`, () => {
    const folder = mkdtempSync(join(tmpdir(), "isotherm-grafana-"));
    let server: Influxd;
    beforeAll(async () => {
      server = await Influxd.start(folder);
      const client = await openInfluxClient({ url: server.url, database: "isotherm" });
      await client.createDatabase();
      await client.write(lines());
      client.close();
    });
    afterAll(async () => {
      await server.kill();
      rmSync(folder, { recursive: true, force: true });
    });
    const filled = (query: string): string =>
      query
        .replaceAll("$building", "office")
        .replaceAll("$zone", "z")
        .replaceAll("$timeFilter", "time > now() - 1h")
        .replaceAll("$__interval", "1m");
    it.each(queries)("$title: $query gives values", async ({ query }) => {
      const rows = await server.query(filled(query), { db: "isotherm" });
      expect(
        rows.some((row) => Object.entries(row).some(([key, value]) => !["time", "level"].includes(key) && typeof value === "number")),
      ).toBe(true);
    });
    it("finds buildings and zones for its menus", async () => {
      const menus = dashboard.templating.list.filter(({ type }) => type === "query");
      const found = await Promise.all(menus.map(({ query }) => server.query(filled(query), { db: "isotherm" })));
      expect(found.map((rows) => rows.map(({ value }) => value))).toEqual([["office"], ["z"]]);
    });
  });
});
