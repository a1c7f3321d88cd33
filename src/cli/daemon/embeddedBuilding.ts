import { existsSync, readFileSync } from "node:fs";
import { setImmediate as nextTurn } from "node:timers/promises";
import { atomicWrite } from "#adapters/files/atomicWrite";
import { createSetpointDevice, type SetpointDevice } from "#adapters/mqtt/setpointDevice";
import { demoTopics } from "#cli/daemon/pointMappings";
import type { EmbeddedBuildingConfig, SiteConfig } from "#config/siteConfig";
import type { MessageBus } from "#domain/bus";
import type { Clock } from "#domain/clock";
import { configurationError } from "#domain/errors";
import { buildingPoint, type Observation, type PointName, sitePoint, siteQuantities, type TelemetryPoint, zonePoint } from "#domain/points";
import type { ZoneSetpoints } from "#domain/setpoints";
import { createRcPlant, type RcPlant, type RcPlantState } from "#simulators/rc/rcPlant";
import { localStandardToMs } from "#simulators/weather/localTime";

const MINUTE_MS = 60_000;
const HISTORY_STEP_S = 900;
/** Sensor of a common room thermostat: what it shows scatters by this much. */
const SENSOR_NOISE_K = 0.02;
/** The day begins an hour and a half before people come, so that who starts the demo sees the morning. */
const START_HOUR = "05:30";
/** How often, in real time, the state is made safe. */
const SAVE_EVERY_MS = 1_000;
const MOST_MINUTES_AT_ONCE = 240;

/**
 * The simulated office of the demo site: a building of its own behind MQTT, which publishes its sensors on its own topics and obeys setpoints until they
 * expire. It knows nothing of the controller.
 */
export interface EmbeddedBuilding {
  readonly plant: RcPlant;
  /** Time of the building's state; NaN before it has one. */
  readonly timeMs: number;
  /** First minute under control of a new building. */
  readonly firstLiveMs: number;
  /** Takes up the saved state; false where there is none. A state that cannot be used is told to `onWarning`. */
  restore(): boolean;
  /** Begins anew at a time, e.g. where the store goes on but the state was lost. */
  beginAt(timeMs: number): Promise<void>;
  /** Runs the time before the start under the building's own schedule; one call of `onRows` a day, awaited. */
  simulateHistory(
    historyS: number,
    onRows: (points: readonly TelemetryPoint[], day: number, days: number) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void>;
  save(): Promise<void>;
  /** Connects its sensors and thermostats and lives by the clock until the signal aborts; then its state is saved. */
  live(bus: MessageBus, clock: Clock, signal: AbortSignal): Promise<void>;
}

/** Site zone → the building's zone: the same id, or what stands before its first hyphen. */
const matchZones = (siteZones: readonly string[], plantZones: readonly string[], refusal: () => Error): ReadonlyMap<string, string> => {
  const matched = new Map<string, string>();
  for (const zone of siteZones) {
    const found = plantZones.find((known) => known === zone) ?? plantZones.find((known) => known.startsWith(`${zone}-`));
    if (found === undefined || [...matched.values()].includes(found)) throw refusal();
    matched.set(zone, found);
  }
  if (matched.size !== plantZones.length) throw refusal();
  return matched;
};

const rounded = (value: number): number => Math.round(value * 1_000) / 1_000;
const pointsOf = ({ timeMs, values }: Observation): TelemetryPoint[] => [...values].map(([point, value]) => ({ timeMs, point, value }));

/** Makes the building of an embedded site. Refuses zones that it does not have with a configuration error. */
export const createEmbeddedBuilding = (options: {
  readonly config: SiteConfig;
  readonly building: EmbeddedBuildingConfig;
  readonly stateFile: string;
  readonly onWarning: (text: string) => void;
}): EmbeddedBuilding => {
  const { config, building, stateFile } = options;
  const plant = createRcPlant({
    building: building.building,
    weather: building.weather,
    seed: config.planner.seed,
    sensorNoiseK: SENSOR_NOISE_K,
  });
  const plantZoneOf = matchZones(
    config.zones.map(({ id }) => id),
    plant.zones,
    () =>
      configurationError(`The zones of the site are not those of the building "${building.building}".`, {
        place: { file: config.file },
        todo: `Give exactly the zones ${plant.zones.join(", ")}; what stands before the first hyphen is enough.`,
      }),
  );
  const zones = [...plantZoneOf.keys()];
  const siteZoneOf = new Map([...plantZoneOf].map(([zone, plantZone]) => [plantZone, zone]));
  /** The building's rows under the site's names. */
  const renamed = ({ timeMs: endMs, values }: Observation): Observation => ({
    timeMs: endMs,
    values: new Map(
      [...values].map(([point, value]) => {
        const dot = point.lastIndexOf(".");
        return [`${siteZoneOf.get(point.slice(0, dot)) ?? point.slice(0, dot)}${point.slice(dot)}` as PointName, value];
      }),
    ),
  });
  const firstLiveMs = localStandardToMs(plant.weather, `${building.year}-${building.start}T${START_HOUR}`);
  const siteId = config.site.id;
  const topics = demoTopics(siteId);
  let timeMs = Number.NaN;
  let savedAtMs = Number.NEGATIVE_INFINITY;

  const save = async (): Promise<void> => {
    savedAtMs = performance.now();
    await atomicWrite(stateFile, JSON.stringify(plant.saveState()), { mode: 0o600 });
  };

  const messagesOf = ({ timeMs: endMs, values }: Observation): [topic: string, payload: string][] => {
    const message = (quantities: readonly (readonly [string, PointName])[]): string =>
      JSON.stringify({
        time: new Date(endMs).toISOString(),
        ...Object.fromEntries(quantities.flatMap(([name, point]) => (values.has(point) ? [[name, rounded(values.get(point)!)]] : []))),
      });
    return [
      ...zones.map((zone): [string, string] => [
        topics.zone(zone),
        message(
          (["zoneAirTempC", "heatingSetpointC", "coolingSetpointC", "occupancyCount"] as const).map(
            (q) => [q, zonePoint(zone, q)] as const,
          ),
        ),
      ]),
      [topics.weather, message(siteQuantities.map((q) => [q, sitePoint(q)] as const))],
      [topics.meter, message((["hvacPowerW", "hvacEnergyKwh"] as const).map((q) => [q, buildingPoint(q)] as const))],
    ];
  };

  /** What thermostats that have heard of a controller obey; until then a command taken up from before a restart stays in force. */
  const obey = async (devices: ReadonlyMap<string, SetpointDevice>): Promise<void> => {
    const heard = [...devices.values()].some(({ state }) => state.accepted !== null);
    if (!heard) return;
    const commanded = new Map<string, ZoneSetpoints>();
    for (const [zone, device] of devices) {
      const { setpoints, from } = device.current();
      if (from === "controller") commanded.set(plantZoneOf.get(zone)!, setpoints);
    }
    if (commanded.size === 0) await plant.relinquish();
    else
      await plant.actuate({
        epoch: 0,
        seq: 0,
        issuedAtMs: timeMs,
        // Asked again every minute, so the devices themselves decide when it ends.
        validUntilMs: timeMs + 2 * MINUTE_MS,
        zones: commanded,
        source: "hold",
      });
  };

  return {
    plant,
    firstLiveMs,
    get timeMs() {
      return timeMs;
    },
    restore: () => {
      if (!existsSync(stateFile)) return false;
      try {
        const state = JSON.parse(readFileSync(stateFile, "utf8")) as RcPlantState;
        plant.restoreState(state);
        timeMs = state.timeMs;
        return true;
      } catch (error) {
        options.onWarning(
          `The simulated building's saved state is not usable and it begins anew: ${error instanceof Error ? error.message : String(error)}`,
        );
        return false;
      }
    },
    beginAt: async (startMs) => {
      timeMs = Math.ceil(startMs / MINUTE_MS) * MINUTE_MS;
      await plant.initialize(timeMs, 0);
      await save();
    },
    simulateHistory: async (historyS, onRows, signal) => {
      const startMs = firstLiveMs - historyS * 1000;
      await plant.initialize(startMs, 0);
      timeMs = startMs;
      const rowsADay = 86_400 / HISTORY_STEP_S;
      const days = Math.ceil(historyS / 86_400);
      let rows: TelemetryPoint[] = [];
      const total = Math.round(historyS / HISTORY_STEP_S);
      for (let k = 1; k <= total; k++) {
        const row = renamed(await plant.advance(HISTORY_STEP_S));
        timeMs = row.timeMs;
        rows.push(...pointsOf(row));
        if (k % 16 === 0) {
          await nextTurn();
          signal.throwIfAborted();
        }
        if (k % rowsADay !== 0 && k !== total) continue;
        await onRows(rows, Math.ceil(k / rowsADay), days);
        rows = [];
      }
      // Last: a start that was broken off before this simulates its history again.
      await save();
    },
    save,
    live: async (bus, clock, signal) => {
      const devices = new Map<string, SetpointDevice>();
      const connect = async (): Promise<void> => {
        for (const zone of zones) {
          const ownSchedule = (nowMs: number): ZoneSetpoints => plant.scheduleAt(nowMs).get(plantZoneOf.get(zone)!)!;
          devices.set(zone, await createSetpointDevice({ bus, clock, building: siteId, zone, ownSchedule }));
        }
      };
      // Sensors speak and time goes on whether or not the broker is there yet.
      const connecting = connect().catch((error: unknown) => {
        if (!signal.aborted)
          options.onWarning(`The building's thermostats cannot listen: ${error instanceof Error ? error.message : String(error)}`);
      });
      try {
        while (!signal.aborted) {
          for (let k = 0; k < MOST_MINUTES_AT_ONCE && timeMs + MINUTE_MS <= clock.nowMs() && !signal.aborted; k++) {
            await obey(devices);
            const row = renamed(await plant.advance(MINUTE_MS / 1000));
            timeMs = row.timeMs;
            if (bus.connected)
              // A sensor does not care whether its value arrives; the next one comes in a minute.
              for (const [topic, payload] of messagesOf(row)) bus.publish(topic, payload, { qos: 0 }).catch(() => undefined);
          }
          if (performance.now() - savedAtMs >= SAVE_EVERY_MS)
            await save().catch((error: unknown) =>
              options.onWarning(`The simulated building cannot save its state: ${error instanceof Error ? error.message : String(error)}`),
            );
          await nextTurn();
          await clock.sleepUntil(timeMs + MINUTE_MS, signal).catch((error: unknown) => {
            if (!signal.aborted) throw error;
          });
        }
      } finally {
        void connecting;
        await save();
      }
    },
  };
};
