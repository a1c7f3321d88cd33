import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDuckdbStore } from "#adapters/store/duckdbStore";
import { createDashboard } from "#dashboards/server/createDashboard";
import type { DaemonStatus } from "#dashboards/server/daemonStatus";
import type { SeriesView } from "#dashboards/server/wire";
import { buildingPoint, sitePoint, type TelemetryPoint, zonePoint } from "#domain/points";
import { quantile } from "#math/statistics";

const stepMs = 900_000;
const yearSteps = 365 * 96;
const endMs = Date.UTC(2026, 0, 1);
const zones = ["south", "east", "north", "west", "core"].map((id) => ({ id, label: id, floorAreaM2: 100 }));

/** A year of steps of 15 minutes: temperature and both setpoints of five zones, outdoor temperature and power; a day's and a year's wave. */
const stepPoints = (timeMs: number): TelemetryPoint[] => {
  const day = Math.sin((timeMs / 86_400_000) * 2 * Math.PI);
  const year = Math.sin((timeMs / (365 * 86_400_000)) * 2 * Math.PI);
  const own = zones.flatMap(({ id }, z) => [
    { timeMs, point: zonePoint(id, "zoneAirTempC"), value: 21 + day + 0.3 * z },
    { timeMs, point: zonePoint(id, "heatingSetpointC"), value: day > 0 ? 21 : 16 },
    { timeMs, point: zonePoint(id, "coolingSetpointC"), value: day > 0 ? 24 : 30 },
  ]);
  return [
    ...own,
    { timeMs, point: sitePoint("outdoorAirTempC"), value: 10 + 12 * year + 4 * day },
    { timeMs, point: buildingPoint("hvacPowerW"), value: 4000 + 3000 * day },
  ];
};

const status: DaemonStatus = {
  phase: "controlling",
  progressText: "",
  progressFraction: null,
  mode: "auto",
  inCharge: {},
  controller: "rule",
  backend: null,
  modelVersion: null,
  clock: { kind: "live", timeMs: endMs, speedFactor: 1 },
  lastTickMs: endMs,
  tickIntervalS: stepMs / 1000,
  sources: [],
  refusedCounts: {},
  brokerConnected: true,
  influx: { state: "off", backlogRows: 0 },
};

/** The history endpoint over HTTP on a store that holds a year: milliseconds of each answer. */
const askedMs = async (base: string, fromMs: number, buckets: number, turns: number): Promise<number[]> => {
  const names = zones.map(({ id }) => zonePoint(id, "zoneAirTempC")).join(",");
  const taken: number[] = [];
  for (let turn = 0; turn < turns; turn++) {
    // Another range each time, so that nothing is answered from memory.
    const shiftMs = turn * stepMs;
    const beganMs = performance.now();
    const answer = await fetch(`${base}api/v1/series?points=${names}&from=${fromMs + shiftMs}&to=${endMs}&buckets=${buckets}`);
    const { series } = (await answer.json()) as SeriesView;
    taken.push(performance.now() - beganMs);
    if (Object.values(series).length !== zones.length)
      throw new Error(`The history endpoint answered ${answer.status} without five series.`);
  }
  return taken;
};

/** A year of 15-minute data of five zones through the real server from DuckDB, raw and after the store's downsampling. Limit: 300 ms at p95. */
export const benchDashboardHistory = async (print: (line: string) => void): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), "isotherm-bench-history-"));
  const store = await openDuckdbStore(folder, { onWarning: () => undefined });
  try {
    const beginMs = endMs - yearSteps * stepMs;
    let waiting: TelemetryPoint[] = [];
    for (let k = 1; k <= yearSteps; k++) {
      waiting.push(...stepPoints(beginMs + k * stepMs));
      if (k % 960 === 0 || k === yearSteps) {
        await store.append(waiting);
        waiting = [];
      }
    }
    const dashboard = await createDashboard({
      reader: store,
      site: { id: "bench", label: "Bench", zones, timeZone: "UTC", latitudeDeg: 0, longitudeDeg: 0, currency: "EUR" },
      status: () => status,
      nowMs: () => endMs,
      people: { store: { load: async () => ({ users: [], tokens: [] }), save: async () => undefined }, audit: store },
      port: 0,
      log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    });
    try {
      for (const [name, buckets] of [
        ["300 buckets", 300],
        ["2,000 buckets", 2000],
      ] as const) {
        const raw = await askedMs(dashboard.url, beginMs, buckets, 40);
        print(
          `  a year of 5 zones, raw, ${name}: median ${quantile(raw, 0.5).toFixed(0)} ms, p95 ${quantile(raw, 0.95).toFixed(0)} ms (limit 300)`,
        );
      }
      await store.downsampleBefore(endMs - 90 * 86_400_000);
      const kept = await askedMs(dashboard.url, beginMs, 300, 40);
      print(
        `  the same, older than 90 days by the hour: median ${quantile(kept, 0.5).toFixed(0)} ms, p95 ${quantile(kept, 0.95).toFixed(0)} ms (limit 300)`,
      );
    } finally {
      await dashboard.close();
    }
  } finally {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  }
};
