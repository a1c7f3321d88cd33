import { type IncomingMessage, request } from "node:http";
import type { LiveEvents, StatusView } from "#dashboards/server/wire";
import { quantile } from "#math/statistics";

type Handle = <K extends keyof LiveEvents>(name: K, data: LiveEvents[K], arrivedMs: number) => void;

/** One page's live channel, without a browser; resolves once it is open. */
export const watch = (base: string, handle: Handle): Promise<{ readonly close: () => void }> =>
  new Promise((resolve, reject) => {
    const outgoing = request(new URL("api/v1/events", base), { agent: false }, (response: IncomingMessage) => {
      if (response.statusCode !== 200) {
        response.resume();
        reject(new Error(`The live channel answered ${response.statusCode}.`));
        return;
      }
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        const arrivedMs = performance.now();
        text += chunk;
        for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
          const lines = text.slice(0, end).split("\n");
          text = text.slice(end + 2);
          const name = lines
            .find((line) => line.startsWith("event:"))
            ?.slice(6)
            .trim();
          const data = lines.find((line) => line.startsWith("data:"))?.slice(5);
          if (name !== undefined && data !== undefined) handle(name as keyof LiveEvents, JSON.parse(data), arrivedMs);
        }
      });
      resolve({ close: () => outgoing.destroy() });
    });
    outgoing.on("error", reject);
    outgoing.end();
  });

/** What was seen over some minutes. */
export interface Watched {
  readonly viewers: number;
  readonly minutes: number;
  readonly events: number;
  /** From a status's or a measurement's own time to its arrival, s, at every viewer. */
  readonly delayS: readonly number[];
  /** Share of ticks that began more than a second after their time, and all ticks. */
  readonly lateTicks: number;
  readonly ticks: number;
  readonly meanLatenessS: number;
  /** Resident memory of the daemon over time: [minutes, MB]. */
  readonly memory: readonly (readonly [number, number])[];
}

const metricsOf = async (base: string): Promise<ReadonlyMap<string, number>> => {
  const text = await (await fetch(new URL("metrics", base))).text();
  return new Map(
    text
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"))
      .map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ") + 1))]),
  );
};
const sumOf = (metrics: ReadonlyMap<string, number>, name: string): number =>
  [...metrics].filter(([key]) => key === name || key.startsWith(`${name}{`)).reduce((sum, [, value]) => sum + value, 0);
const underASecond = (metrics: ReadonlyMap<string, number>): number =>
  [...metrics]
    .filter(([key]) => key.startsWith("isotherm_tick_lateness_seconds_bucket{") && key.includes('le="1"'))
    .reduce((sum, [, value]) => sum + value, 0);

/**
 * Keeps `viewers` live channels open on a daemon for some minutes. Delays: an event's own time on the site's clock (a status's `nowMs`, the newest measurement's) against its
 * arrival; both clocks are tied together by the quickest status of the whole time, so a delay is that over the quickest one.
 */
export const watchDaemon = async (base: string, viewers: number, minutes: number): Promise<Watched> => {
  const stamps: { readonly siteMs: number; readonly arrivedMs: number; readonly status: boolean }[] = [];
  let events = 0;
  let speed = 1;
  const handle: Handle = (name, data, arrivedMs) => {
    events++;
    if (name === "status") {
      const status = data as StatusView;
      speed = status.clock.speedFactor === 0 ? 1 : status.clock.speedFactor;
      stamps.push({ siteMs: status.nowMs, arrivedMs, status: true });
    } else if (name === "telemetry") {
      const newest = Math.max(...(data as LiveEvents["telemetry"]).points.map(({ timeMs }) => timeMs));
      stamps.push({ siteMs: newest, arrivedMs, status: false });
    }
  };
  const open: { readonly close: () => void }[] = [];
  for (let k = 0; k < viewers; k++) open.push(await watch(base, handle));
  stamps.length = 0;
  events = 0;
  const before = await metricsOf(base);
  const beganMs = performance.now();
  const memory: (readonly [number, number])[] = [];
  while (performance.now() - beganMs < minutes * 60_000) {
    await new Promise((resolve) => setTimeout(resolve, 5_000));
    const metrics = await metricsOf(base);
    memory.push([(performance.now() - beganMs) / 60_000, sumOf(metrics, "process_resident_memory_bytes") / 1e6]);
  }
  const after = await metricsOf(base);
  for (const one of open) one.close();
  const grown = (name: string): number => sumOf(after, name) - sumOf(before, name);
  const ticks = grown("isotherm_tick_lateness_seconds_count");
  const wallOf = (siteMs: number): number => siteMs / speed;
  const offsetMs = Math.min(
    ...[{ siteMs: 0, arrivedMs: Number.POSITIVE_INFINITY }, ...stamps.filter(({ status }) => status)].map(
      ({ siteMs, arrivedMs }) => arrivedMs - wallOf(siteMs),
    ),
  );
  return {
    viewers,
    minutes,
    events,
    delayS: stamps.map(({ siteMs, arrivedMs }) => (arrivedMs - wallOf(siteMs) - offsetMs) / 1000),
    ticks,
    lateTicks: ticks - (underASecond(after) - underASecond(before)),
    meanLatenessS: ticks === 0 ? Number.NaN : grown("isotherm_tick_lateness_seconds_sum") / ticks,
    memory,
  };
};

/** Slope of the least-squares line through (x, y). */
export const slopeOf = (points: readonly (readonly [number, number])[]): number => {
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / points.length;
  const meanY = points.reduce((sum, [, y]) => sum + y, 0) / points.length;
  const spread = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  return points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0) / spread;
};

export const watchedLine = ({ viewers, minutes, events, delayS, ticks, lateTicks, meanLatenessS, memory }: Watched): string => {
  const delays =
    delayS.length === 0
      ? "no events"
      : `delay median ${quantile(delayS, 0.5).toFixed(3)} s, p95 ${quantile(delayS, 0.95).toFixed(3)} s (limit 1), highest ${quantile(delayS, 1).toFixed(3)} s`;
  return (
    `  ${viewers} viewers, ${minutes} min: ${events} events, ${delays}; ${ticks} control ticks begun ${meanLatenessS.toFixed(3)} s late on average, ` +
    `${lateTicks} of them over 1 s; memory ${memory[0]?.[1].toFixed(0)} to ${memory.at(-1)?.[1].toFixed(0)} MB, ${slopeOf(memory).toFixed(1)} MB a minute`
  );
};
