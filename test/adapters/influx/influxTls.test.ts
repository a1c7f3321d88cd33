import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { InfluxFailure, openInfluxClient } from "#adapters/influx/influxClient";
import { openInfluxReader } from "#adapters/influx/influxTelemetryReader";
import { openDuckdbStore } from "#adapters/store/duckdbStore";
import { openInMemoryStore } from "#adapters/store/inMemoryStore";
import { examineInflux } from "#cli/daemon/examineInflux";
import { openInfluxLink } from "#cli/daemon/influxLink";
import { type InfluxImport, importFromInflux } from "#cli/import/fromInflux";
import { influxOptionsOf } from "#cli/influxOptions";
import { loadSiteConfig } from "#config/loadSiteConfig";
import type { InfluxConfig, SiteConfig } from "#config/siteConfig";
import type { IsothermError } from "#domain/errors";
import { Influxd, influxdInstalled } from "../../faults/support/influxd.js";
import { type Certificates, makeCertificates } from "../mqtt/certificates.js";

const T0 = Date.parse("2026-01-05T00:00:00Z");

describe("what cannot be a certificate authority", () => {
  it("is refused before anything is sent", async () => {
    const options = { url: "https://localhost:8086", database: "d" };
    await expect(
      openInfluxClient({ ...options, ca: "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n" }),
    ).rejects.toMatchObject({
      kind: "configuration",
      message: expect.stringMatching(/authority .* cannot be read/),
    });
    await expect(openInfluxClient({ ...options, url: "http://localhost:8086", ca: "x" })).rejects.toMatchObject({
      kind: "configuration",
      message: expect.stringMatching(/not encrypted/),
    });
  });
});

describe.skipIf(!influxdInstalled)(`InfluxDB over https${influxdInstalled ? "" : " (skipped: influxd is not installed)"}`, () => {
  const folder = mkdtempSync(join(tmpdir(), "isotherm-influx-tls-"));
  let certificates: Certificates;
  let server: Influxd;
  beforeAll(async () => {
    for (const name of ["ours", "theirs"]) mkdirSync(join(folder, name));
    certificates = makeCertificates(join(folder, "ours"), { server: "localhost" });
    // Of the same name, and yet another one.
    makeCertificates(join(folder, "theirs"), {});
    server = await Influxd.start(join(folder, "influx"), {
      tls: {
        certificate: join(folder, "ours/server.pem"),
        key: join(folder, "ours/server.key"),
        name: "localhost",
        ca: certificates.pem("ca.pem"),
      },
    });
  }, 60_000);
  afterAll(async () => {
    await server.kill();
    rmSync(folder, { recursive: true, force: true });
  });

  /** A site file of its own beside the folders of the authorities. */
  const siteOf = (id: string, ca: "ours" | "theirs" | null, url = server.url): SiteConfig & { readonly influx: InfluxConfig } => {
    const file = join(folder, `${id}.yaml`);
    writeFileSync(
      file,
      `site: { id: ${id}, timeZone: Europe/Berlin, latitude: 52.5, longitude: 13.4 }
building: { mqtt: {} }
zones: [{ id: lobby, sensors: { zoneAirTempC: { topic: lobby } } }]
store: { directory: "${join(folder, id)}" }
influx: { url: "${url}", database: tls, interval: 1 s, timeout: 2 s${ca === null ? "" : `, ca: ${ca}/ca.pem`} }
`,
    );
    const config = loadSiteConfig(file);
    return { ...config, influx: config.influx! };
  };

  const linkOf = async (config: SiteConfig, onHealth: (healthy: boolean, text: string) => void) => {
    const store = openInMemoryStore();
    await store.append([{ timeMs: T0, point: "lobby.zoneAirTempC", value: 21.5 }]);
    const link = await openInfluxLink(config, store, join(folder, "quarantine.jsonl"), { onWarning: () => undefined, onHealth });
    return {
      link,
      end: async () => {
        await link.stop();
        await store.close();
      },
    };
  };
  const firstHealth = async (config: SiteConfig): Promise<readonly [healthy: boolean, text: string]> => {
    let told: readonly [boolean, string] | undefined;
    const { end } = await linkOf(config, (healthy, text) => {
      told ??= [healthy, text];
    });
    for (let k = 0; k < 2_000 && told === undefined; k++) await wait(10);
    await end();
    if (told === undefined) throw new Error("nothing was told");
    return told;
  };

  it("with the site file's influx.ca the daemon delivers, and what it delivered is read back", async () => {
    const config = siteOf("right", "ours");
    expect(await firstHealth(config)).toEqual([true, "InfluxDB takes data."]);
    const reader = await openInfluxReader({ ...influxOptionsOf(config.influx), building: "right" });
    expect((await reader.latest(["lobby.zoneAirTempC"])).get("lobby.zoneAirTempC")).toMatchObject({ timeMs: T0, value: 21.5 });
    await reader.close();
  });

  it.each([
    ["another authority", "theirs", "localhost", /authority that is not trusted|signature is not that of the authority/],
    ["only the system's authorities", null, "localhost", /authority that is not trusted/],
    ["an address that is not in the certificate", "ours", "127.0.0.1", /it is for another name/],
  ] as const)("with %s nothing is sent, and the message says what, where and what to do", async (name, ca, host, why) => {
    const url = server.url.replace("localhost", host);
    const id = name.replaceAll(/\W/g, "");
    const config = siteOf(id, ca, url);
    const [healthy, text] = await firstHealth(config);
    expect(healthy).toBe(false);
    expect(text).toContain(`InfluxDB at ${url} does not take data`);
    expect(text).toMatch(why);
    expect(text).toContain("influx.ca");
    const found = await server.query(`SELECT count(t_air_c) FROM isotherm_zone WHERE building = '${id}'`, { db: "tls" });
    expect(found).toEqual([]);
    const client = await openInfluxClient(influxOptionsOf(config.influx));
    await expect(client.query("SHOW MEASUREMENTS")).rejects.toMatchObject({ constructor: InfluxFailure, kind: "untrusted" });
    client.close();
    expect(await examineInflux(config.influx)).toMatchObject({
      trouble: expect.stringMatching(why),
      todo: expect.stringMatching(/influx\.ca in the site file/),
    });
  });

  it("an environment that switches verification off changes nothing", async () => {
    const before = process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
    try {
      expect((await examineInflux(siteOf("open", "theirs").influx)).trouble).toMatch(/refused/);
    } finally {
      if (before === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
      else process.env.NODE_TLS_REJECT_UNAUTHORIZED = before;
    }
  });

  it("doctor is content with the right one", async () => {
    expect(await examineInflux(siteOf("well", "ours").influx)).toEqual({
      text: `${server.url} database tls answers`,
      trouble: null,
      todo: "",
    });
  });

  const imported = (config: SiteConfig, more: Partial<InfluxImport>) =>
    importFromInflux({
      config,
      url: null,
      database: null,
      username: null,
      passwordFile: null,
      caFile: null,
      mapFile: null,
      fromMs: T0 - 1_000,
      toMs: T0 + 3_600_000,
      everyS: null,
      again: false,
      dryRun: false,
      signal: new AbortController().signal,
      say: () => undefined,
      progress: () => undefined,
      ...more,
    });

  it("import trusts the site file's authority at the site file's InfluxDB, and --ca anywhere", async () => {
    await server.write("tls", `isotherm_zone,building=imports,zone=lobby t_air_c=19 ${T0}000000`);
    const config = siteOf("imports", "ours");
    expect((await imported(config, {})).points["lobby.zoneAirTempC"]).toMatchObject({ read: 1, imported: 1 });
    const store = await openDuckdbStore(config.store.directory, { readOnly: true, onWarning: () => undefined });
    expect((await store.latest(["lobby.zoneAirTempC"])).get("lobby.zoneAirTempC")).toMatchObject({ timeMs: T0, value: 19 });
    await store.close();
    const named = { url: server.url, database: "tls", caFile: join(folder, "ours/ca.pem"), again: true };
    expect((await imported(config, named)).points["lobby.zoneAirTempC"]).toMatchObject({ alreadyThere: 1 });
    // Another server is not the site file's: its authority is not taken for it.
    const refusal = async (more: Partial<InfluxImport>): Promise<IsothermError> =>
      imported(config, { ...more, again: true }).then(
        () => Promise.reject(new Error("it was trusted")),
        (error: IsothermError) => error,
      );
    for (const caFile of [null, join(folder, "theirs/ca.pem")])
      expect(await refusal({ ...named, caFile })).toMatchObject({
        exitCode: 69,
        message: expect.stringContaining(`InfluxDB at ${server.url} does not give its history`),
        todo: expect.stringMatching(/--ca for an import/),
      });
  });
});
