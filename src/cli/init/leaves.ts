import type { BusMessage } from "#domain/bus";

/** One number (or switch) that some topic carries, with what was heard of it. */
export interface Leaf {
  readonly topic: string;
  /** Steps into the JSON message; empty: the message is the value. */
  readonly path: readonly (string | number)[];
  readonly kind: "number" | "switch";
  /** The newest values, oldest first; a switch has 0 and 1. */
  readonly values: readonly number[];
  readonly messages: number;
  /** Arrived while we listened, rather than stored by the broker. */
  readonly live: number;
  /** Mean time between live messages, s; null: fewer than two came. */
  readonly intervalS: number | null;
  /** Unit that a neighbour tells of; null: none does. */
  readonly unit: string | null;
  /** What a neighbour says that it is, such as Home Assistant's device class. */
  readonly deviceClass: string | null;
}

interface Memory {
  readonly topic: string;
  readonly path: readonly (string | number)[];
  kind: Leaf["kind"];
  values: number[];
  messages: number;
  live: number;
  firstLiveMs: number;
  lastLiveMs: number;
  unit: string | null;
}

const MOST_LEAVES = 20_000;
const MOST_DEPTH = 5;
const MOST_CHILDREN = 100;
const MOST_CHARS = 65_536;
const KEPT_VALUES = 32;
const NUMBER = /^\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*$/;
const SWITCH: ReadonlyMap<string, number> = new Map([
  ["on", 1],
  ["off", 0],
  ["true", 1],
  ["false", 0],
]);
/** Topics that say something about the topic beside them (Home Assistant's statestream). */
const ABOUT: ReadonlyMap<string, "unit" | "deviceClass"> = new Map([
  ["unit_of_measurement", "unit"],
  ["device_class", "deviceClass"],
]);
/** Keys that tell the unit of what stands in the same object (Tasmota, many gateways). */
const UNIT_KEYS = /^(unit|units|unit_of_measurement|uom|TempUnit)$/i;

/** Topics that a site file can name and that carry measurements: not those of isotherm itself, nor descriptions of devices. */
const isUsable = (topic: string): boolean =>
  !/^[$/]|\/$|\p{Cc}/u.test(topic) && !/^isotherm\//.test(topic) && !/\/config$/.test(topic) && Buffer.byteLength(topic) <= 512;
/** Names inside a message that a site file can name. */
const isStep = (key: string | number): boolean => typeof key === "number" || (key !== "" && !/[."\\]|\p{Cc}/u.test(key));

/** Collects every number that goes over a broker. */
export interface LeafCollector {
  take(message: BusMessage, nowMs: number): void;
  readonly topics: number;
  leaves(): readonly Leaf[];
}

const parse = (payload: string): unknown => {
  try {
    return JSON.parse(payload) as unknown;
  } catch {
    return payload;
  }
};

const readLeaf = (found: unknown): { readonly kind: Leaf["kind"]; readonly value: number } | null => {
  if (typeof found === "number") return Number.isFinite(found) ? { kind: "number", value: found } : null;
  if (typeof found === "boolean") return { kind: "switch", value: found ? 1 : 0 };
  if (typeof found !== "string" || found.length > 64) return null;
  const flag = SWITCH.get(found.trim().toLowerCase());
  if (flag !== undefined) return { kind: "switch", value: flag };
  return NUMBER.test(found) ? { kind: "number", value: Number(found) } : null;
};

export const createLeafCollector = (): LeafCollector => {
  const memories = new Map<string, Memory>();
  const topics = new Set<string>();
  const about = new Map<string, { unit?: string; deviceClass?: string }>();

  const remember = (
    topic: string,
    path: readonly (string | number)[],
    found: { readonly kind: Leaf["kind"]; readonly value: number },
    unit: string | null,
    retained: boolean,
    nowMs: number,
  ): void => {
    const key = JSON.stringify([topic, path]);
    let memory = memories.get(key);
    if (memory === undefined) {
      if (memories.size >= MOST_LEAVES) return;
      memory = { topic, path, kind: found.kind, values: [], messages: 0, live: 0, firstLiveMs: nowMs, lastLiveMs: nowMs, unit: null };
      memories.set(key, memory);
    }
    memory.kind = found.kind;
    memory.values = [...memory.values.slice(-(KEPT_VALUES - 1)), found.value];
    memory.messages++;
    memory.unit = unit ?? memory.unit;
    if (retained) return;
    if (memory.live === 0) memory.firstLiveMs = nowMs;
    memory.live++;
    memory.lastLiveMs = nowMs;
  };

  const walk = (
    topic: string,
    path: readonly (string | number)[],
    json: unknown,
    unit: string | null,
    message: BusMessage,
    nowMs: number,
  ): void => {
    const value = readLeaf(json);
    if (value !== null) {
      remember(topic, path, value, unit, message.retained, nowMs);
      return;
    }
    if (typeof json !== "object" || json === null || path.length >= MOST_DEPTH) return;
    const entries: readonly (readonly [string | number, unknown])[] = Array.isArray(json)
      ? json.map((child, index) => [index, child] as const)
      : Object.entries(json);
    const told = entries.find(([key, child]) => typeof key === "string" && UNIT_KEYS.test(key) && typeof child === "string")?.[1];
    for (const [key, child] of entries.filter(([step]) => isStep(step)).slice(0, MOST_CHILDREN))
      walk(topic, [...path, key], child, typeof told === "string" ? told : unit, message, nowMs);
  };

  return {
    take: (message, nowMs) => {
      const { topic, payload } = message;
      if (payload === "" || payload.length > MOST_CHARS || !isUsable(topic)) return;
      const json = parse(payload);
      const cut = topic.lastIndexOf("/");
      const what = ABOUT.get(topic.slice(cut + 1));
      if (what !== undefined && typeof json === "string") {
        about.set(topic.slice(0, cut), { ...about.get(topic.slice(0, cut)), [what]: json });
        return;
      }
      topics.add(topic);
      walk(topic, [], json, null, message, nowMs);
    },
    get topics() {
      return topics.size;
    },
    leaves: () =>
      [...memories.values()].map(({ topic, path, kind, values, messages, live, firstLiveMs, lastLiveMs, unit }) => {
        const beside = topic.endsWith("/state") ? about.get(topic.slice(0, topic.lastIndexOf("/"))) : undefined;
        return {
          topic,
          path,
          kind,
          values,
          messages,
          live,
          intervalS: live < 2 ? null : (lastLiveMs - firstLiveMs) / (live - 1) / 1000,
          unit: unit ?? beside?.unit ?? null,
          deviceClass: beside?.deviceClass ?? null,
        };
      }),
  };
};
