import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { examineInputs } from "#cli/daemon/examineInputs";
import { examineTariff } from "#cli/daemon/examineTariff";
import { parseSiteConfig } from "#config/loadSiteConfig";
import { freePort } from "../adapters/mqtt/mosquitto.js";

describe("doctor, on what a site reads from the web and whom it tells", () => {
  let status = 200;
  let asked = 0;
  const server = createServer((_request, response) => {
    asked++;
    const fromS = Math.floor(Date.now() / 3_600_000) * 3600 - 24 * 3600;
    const time = Array.from({ length: 72 }, (_, i) => fromS + i * 3600);
    response.writeHead(status).end(JSON.stringify({ hourly: { time, temperature_2m: time.map((_, i) => (i % 24) / 4) } }));
  });
  let url = "";
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  it("asks a weather service once, tries the mail server, and calls no webhook", async () => {
    const mailPort = await freePort();
    const config = parseSiteConfig(
      `site: { id: s, timeZone: Europe/Berlin, latitude: 52.5, longitude: 13.4 }
building: { mqtt: {} }
zones: [{ id: a, sensors: { zoneAirTempC: { topic: a } } }]
forecast: { sources: [{ kind: openMeteo, url: "${url}" }] }
notify:
  webhook: { url: "${url}/hook" }
  email: { server: "smtp://127.0.0.1:${mailPort}", from: a@b.example, to: [c@d.example] }
`,
      "site.yaml",
    );
    const look = () => examineInputs(config, new AbortController().signal);
    expect(await look()).toMatchObject([
      { check: "Weather forecast", trouble: null },
      { check: "Alarms", text: expect.stringMatching(/not called/), trouble: null },
      { check: "Alarms", trouble: expect.stringMatching(/mail server 127\.0\.0\.1 cannot be used: .*ECONNREFUSED/) },
    ]);
    expect(asked).toBe(1);
    status = 401;
    expect((await look())[0]!.trouble).toMatch(/it answers 401, the key may be wrong$/);
  });
  it("reads prices and intensities once, says whether they tell of the coming day, and leaves nothing behind", async () => {
    const folder = mkdtempSync(join(tmpdir(), "isotherm-examine-"));
    try {
      const rows = (hours: number, value: (hour: number) => number | string): string =>
        [
          "start,price",
          ...Array.from(
            { length: hours },
            (_, hour) => `${new Date(Math.floor(Date.now() / 3_600_000) * 3_600_000 + hour * 3_600_000).toISOString()},${value(hour)}`,
          ),
        ].join("\n");
      writeFileSync(
        join(folder, "prices.csv"),
        rows(40, () => 0.2),
      );
      writeFileSync(join(folder, "carbon.csv"), rows(3, () => 300).replace("price", "carbon"));
      const file = join(folder, "site.yaml");
      const text = `site: { id: s, timeZone: Europe/Berlin, latitude: 52.5, longitude: 13.4 }
building: { mqtt: {} }
zones: [{ id: a, sensors: { zoneAirTempC: { topic: a } } }]
store: { directory: "${join(folder, "data")}" }
planner: { tariff: { prices: { file: prices.csv, unit: EUR/kWh }, intensities: { file: carbon.csv, unit: g/kWh } } }
`;
      const look = () => examineTariff(parseSiteConfig(text, file), new AbortController().signal);
      expect(await look()).toEqual([
        { check: "Energy prices", text: expect.stringMatching(/prices\.csv tells of the coming day/), trouble: null, todo: "" },
        {
          check: "Carbon intensities",
          text: expect.any(String),
          trouble: expect.stringMatching(/carbon\.csv.* have gaps: \d+ of 96 coming steps/),
          todo: expect.stringMatching(/planner\.tariff/),
        },
      ]);
      writeFileSync(join(folder, "prices.csv"), "start,price\nyesterday,dear");
      expect((await look())[0]!.trouble).toMatch(/prices\.csv/);
      expect(readdirSync(folder).sort()).toEqual(["carbon.csv", "prices.csv"]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
