import type { Publisher } from "#adapters/mqtt/publisher";
import { createRetainedTopics } from "#adapters/mqtt/retainedTopics";
import { encode, topicsOf, type ZoneState, zonePlanOf } from "#adapters/mqtt/wire";
import type { SiteTariff } from "#cli/daemon/siteTariff";
import { comfortAt, type Presence } from "#config/comfort";
import type { SiteConfig } from "#config/siteConfig";
import type { MessageBus } from "#domain/bus";
import { IsothermError, unavailableError } from "#domain/errors";
import type { Decision } from "#domain/plan";
import { buildingPoint, type Observation, zonePoint } from "#domain/points";
import type { ControlSource, ZoneSetpoints } from "#domain/setpoints";
import type { Acknowledgement } from "#loop/readBack";
import type { CommandOutlet } from "#loop/supervisor";
import { normalCdf } from "#math/statistics";

/** How long a command may take until the broker has it, real time. */
const CONFIRM_MS = 5_000;

const confirmed = async (publisher: Publisher, bus: MessageBus): Promise<void> => {
  const failedBefore = publisher.counts().failedPublishes;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<"late">((resolve) => {
    timer = setTimeout(() => resolve("late"), CONFIRM_MS);
  });
  const outcome = await Promise.race([publisher.settled().then(() => "settled" as const), late]);
  clearTimeout(timer);
  if (!bus.connected || outcome === "late" || publisher.counts().failedPublishes > failedBefore)
    throw unavailableError("The broker did not confirm the setpoints.", {
      todo: "They go out as soon as it is there again, while they are still valid.",
    });
};

/** Without the last digits of floating-point sums, which no device means. */
const onWire = ({ heatingSetpointC, coolingSetpointC }: ZoneSetpoints): ZoneSetpoints => ({
  heatingSetpointC: Math.round(heatingSetpointC * 1e6) / 1e6,
  coolingSetpointC: Math.round(coolingSetpointC * 1e6) / 1e6,
});

/** The one way of setpoints out of the process: resolves once the broker has confirmed them. */
export const createOutlet = (publisher: Publisher, bus: MessageBus): CommandOutlet => {
  const send: CommandOutlet["send"] = async (command) => {
    const zones = new Map([...command.zones].map(([zone, pair]) => [zone, onWire(pair)]));
    const refusal = publisher.publishCommand({ ...command, zones });
    if (refusal !== null) throw new IsothermError("permanent", `The setpoints ${command.epoch}-${command.seq} were not sent: ${refusal}.`);
    await confirmed(publisher, bus);
  };
  const propose: CommandOutlet["propose"] = async (command) => {
    // Another daemon commands the building: it proposes too, on the same topics.
    if (!bus.connected) return;
    publisher.publishProposal({ ...command, zones: new Map([...command.zones].map(([zone, pair]) => [zone, onWire(pair)])) });
  };
  return { send, propose };
};

/** A zone within this of its setpoint is served by the equipment, K. */
const SERVED_K = 0.1;
/** The confidence shown: how sure the next temperature is to be within half a kelvin of what is expected. */
const CONFIDENT_K = 0.5;

export interface ZoneStateInput {
  readonly zone: string;
  readonly nowMs: number;
  readonly latest: Observation;
  readonly decision: Decision | null;
  readonly source: ControlSource;
  readonly acknowledgement: Acknowledgement;
  /** Alarms that stand in this zone. */
  readonly alarms: number;
  /** What counts in this zone. */
  readonly mode: string;
  /** Running mean of the outdoor temperature, for adaptive comfort; NaN: not known. */
  readonly runningMeanC: number;
  readonly presence?: Presence;
}

/** What is said of a zone on MQTT; nothing that is not known is guessed. */
export const zoneStateOf = (
  config: SiteConfig,
  { zone, nowMs, latest, decision, source, acknowledgement, alarms, mode, runningMeanC, presence }: ZoneStateInput,
): ZoneState => {
  const value = (quantity: "zoneAirTempC" | "relativeHumidityPct" | "heatingSetpointC" | "coolingSetpointC"): number | null =>
    latest.values.get(zonePoint(zone, quantity)) ?? null;
  const inForce = decision !== null && decision.validUntilMs > nowMs && mode === "auto" ? decision.command[zone] : undefined;
  const airTempC = value("zoneAirTempC");
  const heatingSetpointC = inForce?.heatingSetpointC ?? value("heatingSetpointC");
  const coolingSetpointC = inForce?.coolingSetpointC ?? value("coolingSetpointC");
  const band = comfortAt(config, zone, nowMs, runningMeanC, presence);
  const stdDevK = decision?.plan.chosen.zones[zone]?.stdDevK[0];
  return {
    timeMs: nowMs,
    airTempC,
    operativeTempC: null,
    relativeHumidityPct: value("relativeHumidityPct"),
    heatingSetpointC,
    coolingSetpointC,
    action:
      airTempC === null || heatingSetpointC === null || coolingSetpointC === null
        ? null
        : airTempC <= heatingSetpointC + SERVED_K
          ? "heating"
          : airTempC >= coolingSetpointC - SERVED_K
            ? "cooling"
            : "idle",
    source,
    mode,
    acknowledgement,
    alarms,
    comfort:
      airTempC === null
        ? "unknown"
        : !band.occupied
          ? "unoccupied"
          : airTempC < band.lowerC
            ? "cold"
            : airTempC > band.upperC
              ? "warm"
              : "comfortable",
    confidenceFraction: stdDevK === undefined || !(stdDevK > 0) ? null : 2 * normalCdf(CONFIDENT_K / stdDevK) - 1,
  };
};

export interface DecisionTopics {
  /** Retained plans of all zones, and the event. */
  publish(decision: Decision): void;
  close(): void;
}

/** Plans as retained topics; setpoints go another way, through the outlet. A plan without a model has no predicted temperatures: they go out as null. */
export const createDecisionTopics = (bus: MessageBus, publisher: Publisher, building: string): DecisionTopics => {
  const topics = topicsOf(building);
  const retained = createRetainedTopics(bus);
  return {
    publish: (decision) => {
      const { plan } = decision;
      const unknown = plan.stepEndMs.map(() => Number.NaN);
      const reasons = [plan.reason, ...decision.envelopeChanges];
      for (const [zone, trajectory] of Object.entries(plan.chosen.zones)) {
        const whole = trajectory.meanC.length === plan.stepEndMs.length ? trajectory : { ...trajectory, meanC: unknown, stdDevK: unknown };
        retained.set(topics.plan(zone), encode.plan(zonePlanOf(plan, whole, reasons)));
      }
      publisher.publishEvent({
        timeMs: decision.timeMs,
        kind: "decision",
        id: decision.id,
        zone: null,
        source: decision.source,
        text: plan.reason,
      });
    },
    close: () => retained.close(),
  };
};

/** The meter's state with the price and carbon intensity that hold now. */
export const publishMeter = (tariff: Pick<SiteTariff, "now">, publisher: Publisher, nowMs: number, latest: Observation): void => {
  const powerW = latest.values.get(buildingPoint("hvacPowerW")) ?? null;
  const energyKwh = latest.values.get(buildingPoint("hvacEnergyKwh")) ?? null;
  if (powerW === null && energyKwh === null) return;
  const { energyPricePerKwh, carbonKgPerKwh } = tariff.now(nowMs);
  publisher.publishMeter("hvac", {
    timeMs: nowMs,
    powerW,
    energyKwh,
    pricePerKwh: energyPricePerKwh,
    co2GPerKwh: carbonKgPerKwh * 1000,
  });
};
