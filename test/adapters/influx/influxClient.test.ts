import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { encodeTelemetry } from "#adapters/influx/encode";
import { InfluxFailure, openInfluxClient } from "#adapters/influx/influxClient";
import { safeTag } from "#adapters/influx/wireNames";
import type { PointName, TelemetryPoint } from "#domain/points";
import { freePort, Influxd, influxdInstalled } from "../../faults/support/influxd.js";

test("an address that cannot be right, or that holds a password, is refused", async () => {
  for (const url of ["127.0.0.1:8086", "ftp://x", "not a url", ""])
    await expect(openInfluxClient({ url, database: "d" })).rejects.toMatchObject({
      kind: "configuration",
      todo: expect.stringMatching(/http/),
    });
  const secret = await openInfluxClient({ url: "http://me:secret@127.0.0.1:8086", database: "d" }).catch((error) => error);
  expect(secret.kind).toBe("configuration");
  expect(secret.describe()).not.toContain("secret");
});

test("a server that is not there is unreachable, not an error of the data", async () => {
  const client = await openInfluxClient({ url: `http://127.0.0.1:${await freePort()}`, database: "d" });
  await expect(client.write([{ measurement: "m", tags: {}, fields: { v: 1 }, timeMs: 0 }])).rejects.toMatchObject({ kind: "unreachable" });
  client.close();
});

describe.skipIf(!influxdInstalled)(`the InfluxDB client${influxdInstalled ? "" : " (skipped: influxd is not installed)"}`, () => {
  const folder = mkdtempSync(join(tmpdir(), "isotherm-influx-"));
  let server: Influxd;
  beforeAll(async () => {
    server = await Influxd.start(folder);
  });
  afterAll(async () => {
    await server.kill();
    rmSync(folder, { recursive: true, force: true });
  });

  test("what is written is read back equal: names with traps, extreme values, time 0", async () => {
    const client = await openInfluxClient({ url: server.url, database: "trip" });
    await client.createDatabase();
    const zones = [
      "plain",
      "living room",
      "a,b",
      "a=b",
      "back\\slash",
      "ends\\",
      "ends with space ",
      "new\nisotherm_evil,x=y v=1 0",
      "cr\r\n",
      "tab\t",
      'quo"te',
      "Küche",
      "🌡",
      "#hash",
      "%0A",
      "x".repeat(1000),
    ];
    const values = [1.5, -0, 1e308, 5e-324, -1e21, 0.1 + 0.2, 21];
    const points = zones.flatMap((zone, k) =>
      values.map((value, i): TelemetryPoint => ({ timeMs: (i + k) * 1000, point: `${zone}.zoneAirTempC` as PointName, value })),
    );
    await client.write(encodeTelemetry("o, =b\\", points));
    expect((await server.query("SHOW MEASUREMENTS", { db: "trip" })).map((row) => row.name)).toEqual(["isotherm_zone"]);
    for (const [k, zone] of zones.entries()) {
      const rows = await client.query<{ time: { getTime(): number }; t_air_c: number }>(
        "SELECT t_air_c FROM isotherm_zone WHERE zone = $zone",
        { zone: safeTag(zone) },
      );
      expect(rows.map((row) => [row.time.getTime(), row.t_air_c])).toEqual(
        values.map((value, i) => [(i + k) * 1000, value === 0 ? 0 : value]),
      );
    }
    client.close();
  });

  test("no name whatever makes another measurement, tag or field", async () => {
    const client = await openInfluxClient({ url: server.url, database: "fuzz" });
    await client.createDatabase();
    const hostile = fc.oneof(
      fc.string({ unit: "binary", maxLength: 30 }),
      fc.string({ unit: fc.constantFrom("\n", "\\", ",", "=", " ", '"', "a", "\r", "#", "%"), maxLength: 12 }),
    );
    await fc.assert(
      fc.asyncProperty(hostile, hostile, async (building, zone) => {
        const lines = encodeTelemetry(building, [{ timeMs: 1000, point: `${zone}.zoneAirTempC` as PointName, value: 1 }]);
        await client.write(lines);
        return true;
      }),
      { numRuns: 150 },
    );
    expect((await server.query("SHOW MEASUREMENTS", { db: "fuzz" })).map((row) => row.name)).toEqual(["isotherm_zone"]);
    expect((await server.query("SHOW TAG KEYS", { db: "fuzz" })).map((row) => row.tagKey)).toEqual(["building", "zone"]);
    expect((await server.query("SHOW FIELD KEYS", { db: "fuzz" })).map((row) => [row.fieldKey, row.fieldType])).toEqual([
      ["t_air_c", "float"],
    ]);
    client.close();
  });

  test("says which failures are about the points and which are not", async () => {
    const client = await openInfluxClient({ url: server.url, database: "absent" });
    const line = { measurement: "m", tags: {}, fields: { v: 1 }, timeMs: 1000 };
    await expect(client.write([line])).rejects.toMatchObject({ kind: "no-database" });
    await client.createDatabase();
    await client.write([line]);
    const conflict = await client.write([{ ...line, fields: { v: "text" } }]).catch((error) => error);
    expect(conflict).toBeInstanceOf(InfluxFailure);
    expect(conflict).toMatchObject({ kind: "rejected", blamesPoints: true, message: expect.stringMatching(/type conflict/) });
    const huge = await client.write([{ ...line, fields: { s: "x".repeat(26_000_000) } }]).catch((error) => error);
    expect(["too-large", "unreachable"]).toContain(huge.kind);
    client.close();
  });
});
