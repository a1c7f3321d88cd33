import { daysFrom, parseDay, readData, zonesOf } from "#cli/dataOptions";
import { createSegmentGate, type LeftOut } from "#cli/meta/segmentGate";
import { sourcesIn } from "#cli/sources/sourceFacts";
import { judgedBuildings } from "#cli/sources/sourcePlan";
import { configurationError, usageError } from "#domain/errors";
import { DatasetRows } from "#math/datasetRows";
import { sliceDataset } from "#models/datasetSlice";
import type { SourceSegment } from "#models/metaTrain";
import type { PriorSource, ZoneRatings } from "#models/prior";
import { dayFingerprints } from "#models/shippedPriors";

export interface Sources {
  readonly segments: readonly SourceSegment[];
  readonly sources: readonly PriorSource[];
  /** EnergyPlus that made them; absent where they are no simulations of ours. */
  readonly engine?: string;
  /** Runs that the training gate refused. */
  readonly leftOut: readonly LeftOut[];
  /** Rows of which the training gate kept at least one value out. */
  readonly rowsGated: number;
}

/** Segments of files that a person names: `name=file`, each cut at the same days and sent through the training gate; data that it refuses are refused. */
export async function fromFiles(
  named: readonly string[],
  options: { readonly starts: readonly string[]; readonly days: number; readonly building: string },
  say: (line: string) => void,
): Promise<Sources> {
  const sources: PriorSource[] = [];
  const segments: SourceSegment[] = [];
  const gate = createSegmentGate(say);
  for (const text of named) {
    const at = text.indexOf("=");
    if (at <= 0) throw usageError(`--source ${text} has no name.`, "Write it as pittsburgh=data/pittsburgh.csv.gz.");
    const name = text.slice(0, at);
    const file = text.slice(at + 1);
    const dataset = await readData(file, say);
    let rows = 0;
    for (const start of options.starts) {
      const { first, end } = daysFrom(dataset, parseDay(start, "--from"), options.days, file, "source");
      rows += end - first;
      const zones = zonesOf(dataset);
      const data = new DatasetRows(gate.gate(`${name} ${start}`, sliceDataset(dataset, first, end), zones, file));
      for (const zone of zones)
        segments.push({ name: `${name} ${start} ${zone}`, data, zone, neighbours: zones.filter((other) => other !== zone), group: name });
    }
    sources.push({
      name,
      building: options.building,
      weather: name,
      segments: [...options.starts],
      rows,
      dayFingerprints: [...dayFingerprints(dataset)],
    });
  }
  gate.sayTotal();
  return { segments, sources, leftOut: gate.leftOut, rowsGated: gate.rowsGated };
}

/**
 * Segments of a folder that `isotherm sources` made: of every run `zonesPerRun` of its zones, other ones in the building's next run, after the training gate;
 * a run that it refuses is left out. A building that isotherm is judged on is refused.
 */
export async function fromFolder(folder: string, zonesPerRun: number, say: (line: string) => void): Promise<Sources> {
  const bySource = new Map<string, PriorSource>();
  const segments: SourceSegment[] = [];
  const runsOf = new Map<string, number>();
  const engines = new Set<string>();
  const gate = createSegmentGate(say);
  for (const { file, facts } of await sourcesIn(folder)) {
    const { building, weather, start, year } = facts.run;
    if (judgedBuildings.has(building))
      throw configurationError(`isotherm is judged on ${building}, so no prior may learn from it.`, {
        place: { file },
        todo: "Take it out of the folder.",
      });
    const dataset = await readData(file, say);
    const zones = facts.zones.map(({ id }) => id);
    const gated = gate.gateOrSkip(`${building}/${weather} ${year}-${start}`, dataset, zones, file);
    if (gated === null) continue;
    engines.add(facts.engine);
    const data = new DatasetRows(gated);
    const earlier = runsOf.get(building) ?? 0;
    runsOf.set(building, earlier + 1);
    const count = Math.min(zonesPerRun, zones.length);
    for (let k = 0; k < count; k++) {
      const zone = facts.zones[(earlier * count + k) % zones.length]!;
      const ratings: ZoneRatings = Object.fromEntries(
        (["floorAreaM2", "designHeatingW", "designCoolingW"] as const).flatMap((name) => (zone[name] === null ? [] : [[name, zone[name]]])),
      );
      segments.push({
        name: `${building}/${weather} ${year}-${start} ${zone.id}`,
        data,
        zone: zone.id,
        neighbours: zones.filter((other) => other !== zone.id),
        group: building,
        ratings,
      });
    }
    const name = `${building}/${weather}`;
    const before = bySource.get(name);
    bySource.set(name, {
      name,
      building,
      weather,
      segments: [...(before?.segments ?? []), `${year}-${start}`],
      rows: (before?.rows ?? 0) + facts.rows,
      dayFingerprints: [...(before?.dayFingerprints ?? []), ...dayFingerprints(dataset)],
    });
  }
  gate.sayTotal();
  return {
    segments,
    sources: [...bySource.values()],
    engine: [...engines].sort().join(", "),
    leftOut: gate.leftOut,
    rowsGated: gate.rowsGated,
  };
}
