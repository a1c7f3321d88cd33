import type { BandView } from "#dashboards/server/wire";
import type { Decision } from "#domain/plan";
import { zonePoint } from "#domain/points";
import type { ZoneSetpoints } from "#domain/setpoints";
import type { StoreReader } from "#domain/store";

/** What comfort and cost need of one stored decision: a hundredth of its size. */
export interface DecisionStep {
  readonly id: string;
  readonly timeMs: number;
  /** End of the first step of the plan: when what it decided shows. */
  readonly stepEndMs: number;
  readonly stepS: number;
  readonly pricePerKwh: number | null;
  /** What a kWh emitted, kg; null where the plan does not say. */
  readonly carbonKgPerKwh: number | null;
  readonly observedMs: number;
  readonly zoneAirTempC: ReadonlyMap<string, number>;
  readonly bands: ReadonlyMap<string, BandView>;
  readonly mode: "auto" | "shadow";
  /** Zones that a person commanded, and how. */
  readonly overrides: ReadonlyMap<string, ZoneSetpoints>;
  /** HVAC power that the model expected of this step, by what was chosen and by the rule, W; null where no model could say. */
  readonly chosenPowerW: number | null;
  readonly rulePowerW: number | null;
}

const chunkMs = 24 * 3_600_000;
const maxChunks = 400;

const finite = (value: number | undefined): number | null => (value !== undefined && Number.isFinite(value) ? value : null);

const summarise = (decision: Decision, zones: readonly string[]): DecisionStep => {
  const { plan, observation } = decision;
  const zoneAirTempC = new Map<string, number>();
  const bands = new Map<string, BandView>();
  for (const zone of zones) {
    const tempC = finite(observation.values[zonePoint(zone, "zoneAirTempC")]);
    if (tempC !== null) zoneAirTempC.set(zone, tempC);
    const comfort = plan.comfort[zone];
    const lowerC = finite(comfort?.lowerC[0]);
    const upperC = finite(comfort?.upperC[0]);
    if (lowerC !== null && upperC !== null) bands.set(zone, { lowerC, upperC, occupied: comfort?.occupied[0] === true });
  }
  return {
    id: decision.id,
    timeMs: decision.timeMs,
    stepEndMs: plan.stepEndMs[0] ?? decision.timeMs + plan.stepS * 1000,
    stepS: plan.stepS,
    pricePerKwh: finite(plan.pricePerKwh[0]),
    carbonKgPerKwh: finite(plan.carbonKgPerKwh?.[0]),
    observedMs: observation.timeMs,
    zoneAirTempC,
    bands,
    mode: decision.mode ?? "auto",
    overrides: new Map(
      zones.flatMap((zone): [string, ZoneSetpoints][] => {
        const pair = decision.command[zone];
        return (decision.zoneSources?.[zone] ?? decision.source) === "override" && pair !== undefined ? [[zone, pair]] : [];
      }),
    ),
    chosenPowerW: finite(plan.chosen.powerW[0]),
    rulePowerW: finite(plan.rule?.powerW[0]),
  };
};

/**
 * Decisions of a range, reduced and kept in memory by UTC day, so that a month of comfort does not read a month of full plans at every request.
 * Only what lies after the newest decision seen is asked for again.
 */
export class DecisionHistory {
  private readonly reader: StoreReader;
  private readonly zones: readonly string[];
  private readonly chunks = new Map<number, { steps: DecisionStep[]; complete: boolean }>();
  private newestMs = Number.NEGATIVE_INFINITY;
  private pending: Promise<void> = Promise.resolve();

  constructor(reader: StoreReader, zones: readonly string[]) {
    this.reader = reader;
    this.zones = zones;
  }

  /** Steps decided in [fromMs, toMs), ordered by time. */
  async range(fromMs: number, toMs: number): Promise<readonly DecisionStep[]> {
    // One reader at a time: two requests must not fill the same chunk twice.
    const run = this.pending.then(() => this.load(fromMs, toMs));
    this.pending = run.catch(() => undefined);
    await run;
    const steps: DecisionStep[] = [];
    for (let start = Math.floor(fromMs / chunkMs) * chunkMs; start < toMs; start += chunkMs) {
      for (const step of this.chunks.get(start)?.steps ?? []) if (step.timeMs >= fromMs && step.timeMs < toMs) steps.push(step);
    }
    return steps;
  }

  /** A decision written anew for a day already held. */
  forget(timeMs: number): void {
    if (timeMs <= this.newestMs) this.chunks.delete(Math.floor(timeMs / chunkMs) * chunkMs);
  }

  private async load(fromMs: number, toMs: number): Promise<void> {
    for (let start = Math.floor(fromMs / chunkMs) * chunkMs; start < toMs; start += chunkMs) {
      const chunk = this.chunks.get(start) ?? { steps: [], complete: false };
      if (chunk.complete) continue;
      const last = chunk.steps.at(-1);
      for await (const decision of this.reader.decisions(last === undefined ? start : last.timeMs + 1, start + chunkMs)) {
        chunk.steps.push(summarise(decision, this.zones));
        this.newestMs = Math.max(this.newestMs, decision.timeMs);
      }
      // Decisions come in order of time: once a later day has one, this day will get no more.
      chunk.complete = this.newestMs >= start + chunkMs;
      this.chunks.delete(start);
      this.chunks.set(start, chunk);
      if (this.chunks.size > maxChunks) this.chunks.delete(this.chunks.keys().next().value!);
    }
  }
}
