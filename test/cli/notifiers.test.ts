import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openDuckdbStore } from "#adapters/store/duckdbStore";
import type { Ground } from "#cli/daemon/ground";
import { openNotifiers } from "#cli/daemon/notifiers";
import { Shutdown } from "#cli/daemon/shutdown";
import { parseSiteConfig } from "#config/loadSiteConfig";
import { createAlarmBoard } from "#loop/alarmBoard";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "isotherm-notifiers-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("a site that tells people of alarms", () => {
  it("sends what its alarm board raises and clears, and raises an alarm of its own where the way is closed", async () => {
    const got: string[] = [];
    let isUp = true;
    const server = createServer(async (request, response) => {
      let body = "";
      for await (const part of request) body += part;
      if (isUp)
        for (const { change, id } of (JSON.parse(body) as { alarms: { change: string; id: string }[] }).alarms) got.push(`${change} ${id}`);
      response.writeHead(isUp ? 200 : 503).end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    writeFileSync(join(folder, "secret.txt"), "hook-secret\n", { mode: 0o600 });
    const config = parseSiteConfig(
      `site: { id: s, timeZone: Europe/Berlin, latitude: 52.5, longitude: 13.4 }
building: { embedded: {} }
zones: [{ id: a }]
notify: { group: 0 s, webhook: { url: "http://127.0.0.1:${(server.address() as AddressInfo).port}/", secret: { file: secret.txt } } }
`,
      join(folder, "site.yaml"),
    );
    const store = await openDuckdbStore(folder, { onWarning: () => undefined });
    const shutdown = new Shutdown();
    const onError = (error: unknown): void => {
      throw error;
    };
    const nowMs = Date.now;
    const alarms = createAlarmBoard({ store, onError });
    await openNotifiers({ run: { config }, data: { path: folder, store }, shutdown, nowMs, onError } as unknown as Ground, { alarms });
    const text = { id: "sensor:a", level: "critical", text: "Silent.", action: "Look." } as const;
    const until = async (holds: () => boolean): Promise<void> => {
      for (let k = 0; k < 2_000 && !holds(); k++) await new Promise((resolve) => setTimeout(resolve, 5));
      expect(holds()).toBe(true);
    };
    await alarms.set(true, text, nowMs());
    await until(() => got.length === 1);
    isUp = false;
    await alarms.set(false, text, nowMs());
    await until(() => alarms.active().some(({ id }) => id === "notify-webhook"));
    expect(alarms.active()[0]!.text).toMatch(/^Alarms cannot be sent by webhook to 127\.0\.0\.1:\d+: it answers 503\.$/);
    expect(got).toEqual(["raised sensor:a"]);
    await shutdown.run(onError);
    // The next start tells the rest.
    isUp = true;
    const memory = join(folder, "notify-webhook.json");
    writeFileSync(memory, JSON.stringify({ ...JSON.parse(readFileSync(memory, "utf8")), notBeforeMs: 0 }));
    const again = new Shutdown();
    await openNotifiers({ run: { config }, data: { path: folder, store }, shutdown: again, nowMs, onError } as unknown as Ground, {
      alarms,
    });
    await until(() => got.length === 2);
    expect(got).toEqual(["raised sensor:a", "cleared sensor:a"]);
    await until(() => alarms.active().length === 0);
    await again.run(onError);
    await store.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
});
