import { readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { writeDatasetCsv } from "#adapters/csv/writeCsv";
import { atomicWrite } from "#adapters/files/atomicWrite";
import { packageVersion } from "#cli/packageVersion";
import { chooseZones } from "#cli/sources/chooseZones";
import { ordered, type SourceFacts, sha256Of } from "#cli/sources/sourceFacts";
import { dataFileOf, factsFileOf, runName, type SourceRun, streamOf } from "#cli/sources/sourcePlan";
import { IsothermError } from "#domain/errors";
import { zonePoint } from "#domain/points";
import { findEngine } from "#simulators/energyplus/engine";
import { excitationTape } from "#simulators/energyplus/excitation";
import { recordRun } from "#simulators/energyplus/recordRun";

const known = (value: number): number | null => (Number.isFinite(value) ? value : null);

/** Makes one source run and writes its data, then its facts, each whole or not at all. */
export async function recordSource(
  folder: string,
  run: SourceRun,
  engineFolder: string | null,
  signal?: AbortSignal,
): Promise<SourceFacts> {
  const engine = await findEngine({ folder: engineFolder });
  const recorded = await recordRun({
    engine,
    building: run.building,
    weather: run.weather,
    firstDayMs: Date.parse(`${run.year}-${run.start}T00:00:00Z`),
    days: run.days,
    tape: (zones, days, stepsPerDay) => excitationTape(run.seed, streamOf(runName(run)), zones, days, stepsPerDay),
    ...(signal === undefined ? {} : { signal }),
  });
  const { dataset } = recorded;
  // A thermostat that neither heats nor cools at any step teaches nothing.
  const acting = recorded.zones.filter(({ id }) => {
    const [heating, cooling] = [zonePoint(id, "heatingSetpointC"), zonePoint(id, "coolingSetpointC")].map(
      (point) => dataset.columns.get(point)!,
    );
    return heating!.some((value) => value > 5) || cooling!.some((value) => value < 40);
  });
  if (acting.length === 0) throw new IsothermError("permanent", "no thermostat of this building ever heats or cools");
  // The same zones in every run of the building.
  const zones = chooseZones(acting, run.zones, run.seed, streamOf(run.building));
  const kept = new Set(zones.map(({ id }) => id));
  const columns = new Map(
    [...dataset.columns].filter(([point]) => {
      const entity = point.slice(0, point.lastIndexOf("."));
      return entity === "site" || entity === "building" || kept.has(entity);
    }),
  );
  const file = dataFileOf(folder, run);
  await mkdir(dirname(file), { recursive: true });
  await writeDatasetCsv(file, { ...dataset, columns });
  const facts: SourceFacts = {
    format: 1,
    run: ordered(run),
    weatherName: recorded.weatherName,
    engine: engine.version,
    version: packageVersion,
    sha256: sha256Of(readFileSync(file)),
    rows: dataset.timesMs.length,
    thermostatZones: recorded.zones.length,
    zones: zones.map(({ id, floorAreaM2, volumeM3, multiplier, designHeatingW, designCoolingW }) => ({
      id,
      floorAreaM2: known(floorAreaM2),
      volumeM3: known(volumeM3),
      multiplier: known(multiplier),
      designHeatingW: known(designHeatingW),
      designCoolingW: known(designCoolingW),
    })),
  };
  await atomicWrite(factsFileOf(folder, run), `${JSON.stringify(facts, null, 1)}\n`);
  return facts;
}
