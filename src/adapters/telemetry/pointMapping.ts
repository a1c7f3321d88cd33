import { isTopic } from "#adapters/mqtt/topicFilter";
import { configurationError } from "#domain/errors";
import type { PointName } from "#domain/points";

/** How one point is read from MQTT, and what of it is believable. Values and limits are in the point's own unit, after conversion. */
export interface PointMapping {
  readonly point: PointName;
  readonly topic: string;
  /** Dotted path into the JSON payload, e.g. `sensors.0.temperature`; without it the whole payload is the value. */
  readonly path?: string;
  /** From the sensor's unit to the point's. Default: they are the same. */
  readonly convert?: (value: number) => number;
  /** true and false, on and off mean 1 and 0. Default: refused. */
  readonly acceptBoolean?: boolean;
  /** Dotted path to the time of measurement: ISO-8601, or seconds or milliseconds since 1970. Without it the time of arrival counts. */
  readonly timestampPath?: string;
  readonly expectedIntervalS: number;
  /** Older values are not used any more. */
  readonly maxAgeS: number;
  readonly minValue: number;
  readonly maxValue: number;
  /** Faster changes are refused as a jump. Default: no limit. */
  readonly maxChangePerMinute?: number;
  /** A value that does not move for this long is suspect. Default: never. */
  readonly stuckAfterS?: number;
  /** Movement that still counts as none. Default 0. */
  readonly stuckTolerance?: number;
}

/** Throws one configuration error that lists everything wrong with the mappings. */
export const checkMappings = (mappings: readonly PointMapping[]): void => {
  const wrong: string[] = [];
  const seen = new Set<string>();
  for (const m of mappings) {
    const say = (text: string): number => wrong.push(`${m.point}: ${text}`);
    if (seen.has(m.point)) say("is mapped twice");
    seen.add(m.point);
    if (!isTopic(m.topic)) say(`"${m.topic.slice(0, 80)}" is not a topic (no wildcards)`);
    if (!(m.minValue < m.maxValue)) say(`its range ${m.minValue} to ${m.maxValue} is empty`);
    if (!(m.expectedIntervalS > 0)) say("its expected interval is not above 0 s");
    if (!(m.maxAgeS >= m.expectedIntervalS)) say("its greatest age is below its expected interval");
    if (m.maxChangePerMinute !== undefined && !(m.maxChangePerMinute > 0)) say("its greatest change per minute is not above 0");
    if (m.stuckAfterS !== undefined && !(m.stuckAfterS > m.expectedIntervalS)) say("it counts as stuck before its next value can come");
  }
  if (wrong.length > 0) throw configurationError(`The telemetry points are wrong:\n  ${wrong.join("\n  ")}`);
};

/** The value at a dotted path; undefined where there is none. Only an object's own keys and array indices count. */
export const atPath = (json: unknown, path: string): unknown => {
  let here = json;
  for (const key of path.split(".")) {
    if (typeof here !== "object" || here === null || !Object.hasOwn(here, key)) return undefined;
    here = (here as Record<string, unknown>)[key];
  }
  return here;
};
