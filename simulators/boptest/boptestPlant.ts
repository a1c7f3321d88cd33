import type { Forecast } from "#domain/dataset";
import { IsothermError } from "#domain/errors";
import type { SimulatedPlant } from "#domain/plant";
import { buildingPoint, type Observation, type PointName, sitePoint, siteQuantities, zonePoint } from "#domain/points";
import type { SetpointCommand, ZoneSetpoints } from "#domain/setpoints";
import type { BoptestClient, BoptestPoints, BoptestValues } from "#simulators/boptest/client";
import { type ClippedInput, ClippingCounter } from "#simulators/boptest/clipping";
import type { BoptestMapping, BoptestZone } from "#simulators/boptest/mapping";
import { OutlookTable, siteValue } from "#simulators/boptest/outlookTable";
import { activationOf, measuredWeather, powerPoints } from "#simulators/boptest/pointNames";
import { celsiusToK, kelvinToC, meanOver, valueAt } from "#simulators/boptest/timeSeries";
import { co2Point } from "#simulators/boptestKpis";
import { type ComfortBand, districtHeatingPowerPoint, fuelPowerPoint } from "#simulators/kpis";

const defaultStepS = 900;

export interface BoptestPlant extends SimulatedPlant {
  readonly testCase: string;
  readonly floorAreaM2: number;
  readonly timeZoneH: number;
  /** Heat takes hours to arrive. */
  readonly answersSlowly: boolean;
  /** Comfort bounds of the test case during the step that ends at `stepEndMs`. */
  comfortAt(zone: string, stepEndMs: number): ComfortBand;
  /** Upper CO₂ concentration, ppm; null where the test case has none. */
  co2LimitAt(zone: string, stepEndMs: number): number | null;
  /** BOPTEST's own key figures since `initialize`. */
  serviceKpis(): Promise<Readonly<Record<string, number | null>>>;
  /** Inputs that the test case cut to its limits. */
  clipped(): readonly ClippedInput[];
}

/**
 * A BOPTEST test case as a `SimulatedPlant`. Zone temperatures are those at the step's end; weather, power and setpoints in force come from the step's
 * stored results (means; setpoints at its middle); occupancy, comfort bounds and forecasts from the test case's own perfect forecast, which also stands for the
 * building's schedule: BOPTEST's embedded controls follow the comfort bounds. Zones without a cooling (or heating) input show what was commanded for it,
 * without effect. Times: BOPTEST counts seconds of local standard time from 1 January of the year in which the run begins.
 */
export class BoptestPlantImpl implements BoptestPlant {
  readonly zones: readonly string[];
  readonly #client: BoptestClient;
  readonly #mapping: BoptestMapping;
  readonly #forecastPoints: BoptestPoints;
  readonly #clipping: ClippingCounter;
  readonly #electricityPrice: string | null;
  #yearStartMs = Number.NaN;
  #nowS = Number.NaN;
  #stepS = Number.NaN;
  #tables = new Map<number, OutlookTable>();
  #command: { readonly validUntilS: number; readonly zones: ReadonlyMap<string, ZoneSetpoints> } | null = null;
  #first: ReadonlyMap<string, ZoneSetpoints> = new Map();
  #observation: Observation | null = null;
  #energyKwh = 0;

  constructor(
    client: BoptestClient,
    mapping: BoptestMapping,
    options: {
      readonly forecastPoints: BoptestPoints;
      readonly warn: (line: string) => void;
      readonly electricityPrice?: string | undefined;
    },
  ) {
    this.#client = client;
    this.#mapping = mapping;
    this.#forecastPoints = options.forecastPoints;
    this.#electricityPrice = options.electricityPrice ?? null;
    this.#clipping = new ClippingCounter(options.warn);
    this.zones = mapping.zones.map(({ id }) => id);
  }

  get testCase(): string {
    return this.#mapping.testCase;
  }
  get floorAreaM2(): number {
    return this.#mapping.floorAreaM2;
  }
  get timeZoneH(): number {
    return this.#mapping.timeZoneH;
  }
  get answersSlowly(): boolean {
    return this.#mapping.answersSlowly;
  }

  async initialize(startTimeMs: number, warmupS: number): Promise<Observation> {
    if (!Number.isFinite(startTimeMs) || !(warmupS >= 0))
      throw misuse(`a run cannot begin at ${startTimeMs} ms after ${warmupS} s of warm-up`);
    const offsetMs = this.#mapping.timeZoneH * 3_600_000;
    this.#yearStartMs = Date.UTC(new Date(startTimeMs + offsetMs).getUTCFullYear(), 0, 1) - offsetMs;
    const startS = (startTimeMs - this.#yearStartMs) / 1000;
    this.#command = null;
    this.#observation = null;
    this.#energyKwh = 0;
    if (this.#electricityPrice !== null)
      await this.#client.setScenario({
        electricity_price: this.#electricityPrice,
        time_period: null,
        temperature_uncertainty: null,
        solar_uncertainty: null,
        seed: null,
      });
    await this.#client.setStep(defaultStepS);
    this.#stepS = defaultStepS;
    const { payload, message } = await this.#client.initialize(startS, warmupS);
    this.#clipping.read(message);
    this.#nowS = this.#checkedTime(payload, startS, "initialize");
    const table = new OutlookTable(this.#client, this.#mapping, this.#forecastPoints, startS, defaultStepS);
    this.#tables = new Map([[defaultStepS, table]]);
    await table.cover(startS + defaultStepS, startS);
    const needs = (point: string): number => this.#needed(payload, point);
    this.#first = new Map(
      this.#mapping.zones.map((zone) => [zone.id, setpointsOf(zone, table.bounds(zone.id, 0), (input) => kelvinToC(needs(input)), null)]),
    );
    const values = this.#endOfStep(payload, this.#first, table, 0);
    for (const q of siteQuantities) values.set(sitePoint(q), siteValue(q, needs(measuredWeather(this.#mapping, q))));
    this.#addPower(values, needs);
    values.set(buildingPoint("hvacEnergyKwh"), 0);
    this.#observation = { timeMs: startTimeMs, values };
    return this.#observation;
  }

  async observe(): Promise<Observation> {
    return this.#ready();
  }

  async actuate(command: SetpointCommand): Promise<void> {
    this.#ready();
    for (const [zone, { heatingSetpointC, coolingSetpointC }] of command.zones) {
      if (!this.zones.includes(zone)) throw misuse(`the command names the zone "${zone}"; this test case has ${this.zones.join(", ")}`);
      if (!Number.isFinite(heatingSetpointC) || !Number.isFinite(coolingSetpointC) || heatingSetpointC > coolingSetpointC)
        throw misuse(
          `setpoints ${heatingSetpointC}/${coolingSetpointC} °C for ${zone} are not a heating setpoint below a cooling setpoint`,
        );
    }
    this.#command =
      command.source === "relinquish"
        ? null
        : { validUntilS: (command.validUntilMs - this.#yearStartMs) / 1000, zones: new Map(command.zones) };
  }

  async relinquish(): Promise<void> {
    this.#command = null;
  }

  async advance(stepS: number): Promise<Observation> {
    this.#ready();
    if (!(stepS > 0) || !Number.isFinite(stepS)) throw misuse(`a step of ${stepS} s is not a step`);
    if (stepS !== this.#stepS) {
      await this.#client.setStep(stepS);
      this.#stepS = stepS;
    }
    const fromS = this.#nowS;
    const untilS = fromS + stepS;
    const table = await this.#table(stepS, untilS);
    const row = table.rowOf(untilS)!;
    const commanded = this.#command !== null && fromS < this.#command.validUntilS ? this.#command.zones : null;
    const { payload, message } = await this.#client.advance(this.#inputs(commanded));
    this.#clipping.read(message);
    if (payload.size === 0) throw misuse(`BOPTEST did not advance beyond ${this.#iso(fromS)}: ${message.trim()}`);
    this.#nowS = this.#checkedTime(payload, untilS, "advance");
    const inputs = this.#mapping.zones.flatMap(({ heatingSetpoint, coolingSetpoint }) =>
      [heatingSetpoint ?? [], coolingSetpoint ?? []].flat(),
    );
    const stored = await this.#client.results(
      [...new Set([...inputs, ...siteQuantities.map((q) => measuredWeather(this.#mapping, q)), ...powerPoints(this.#mapping)])],
      fromS,
      untilS,
    );
    const timesS = stored.get("time")!;
    const series = (point: string): Float64Array => {
      const values = stored.get(point);
      if (values === undefined || values.length === 0) throw misuse(`BOPTEST's results hold nothing for ${point}`);
      return values;
    };
    const setpoints = new Map(
      this.#mapping.zones.map((zone): [string, ZoneSetpoints] => [
        zone.id,
        setpointsOf(
          zone,
          table.bounds(zone.id, row),
          (input) => kelvinToC(valueAt(timesS, series(input), fromS + stepS / 2)),
          commanded?.get(zone.id) ?? null,
        ),
      ]),
    );
    const values = this.#endOfStep(payload, setpoints, table, row);
    for (const q of siteQuantities)
      values.set(sitePoint(q), siteValue(q, meanOver(timesS, series(measuredWeather(this.#mapping, q)), fromS, untilS)));
    this.#addPower(values, (point) => meanOver(timesS, series(point), fromS, untilS));
    this.#energyKwh += (values.get(buildingPoint("hvacPowerW"))! * stepS) / 3_600_000;
    values.set(buildingPoint("hvacEnergyKwh"), this.#energyKwh);
    this.#observation = { timeMs: this.#yearStartMs + untilS * 1000, values };
    return this.#observation;
  }

  scheduleAt(stepEndMs: number): ReadonlyMap<string, ZoneSetpoints> {
    const stepEndS = this.#secondsOf(stepEndMs);
    const [first] = this.#tables.values();
    if (first !== undefined && stepEndS <= first.originS) return this.#first;
    return new Map(this.zones.map((zone) => [zone, this.#known(stepEndS, (table, row) => table.bounds(zone, row))]));
  }

  async forecast(fromMs: number, stepS: number, steps: number): Promise<Forecast> {
    this.#ready();
    if (!Number.isInteger(steps) || steps < 0 || !(stepS > 0)) throw misuse(`a forecast of ${steps} steps of ${stepS} s makes no sense`);
    const fromS = this.#secondsOf(fromMs);
    const table = await this.#table(stepS, fromS + steps * stepS);
    const first = (fromS - table.originS) / stepS;
    if (!Number.isInteger(first) || first < 0)
      throw new IsothermError(
        "retryable",
        `BOPTEST forecasts in steps of ${stepS} s from ${this.#iso(table.originS)}, not from ${this.#iso(fromS)}`,
        {
          todo: "Ask from the start of the run or later, on the grid of its steps.",
        },
      );
    const rows = Array.from({ length: steps }, (_, j) => first + j);
    return {
      issuedAtMs: fromMs,
      provider: "perfect",
      stepEndMs: Float64Array.from(rows, (_, j) => fromMs + (j + 1) * stepS * 1000),
      columns: new Map(
        [...table.points()].map((point): [PointName, Float64Array] => [point, Float64Array.from(rows, (row) => table.at(point, row))]),
      ),
    };
  }

  comfortAt(zone: string, stepEndMs: number): ComfortBand {
    const { heatingSetpointC, coolingSetpointC } = this.#known(this.#secondsOf(stepEndMs), (table, row) => table.bounds(zone, row));
    return { lowerC: heatingSetpointC, upperC: coolingSetpointC };
  }

  co2LimitAt(zone: string, stepEndMs: number): number | null {
    const limit = this.#known(this.#secondsOf(stepEndMs), (table, row) => table.co2Limit(zone, row));
    return Number.isFinite(limit) ? limit : null;
  }

  async serviceKpis(): Promise<Readonly<Record<string, number | null>>> {
    return this.#client.kpis();
  }

  clipped(): readonly ClippedInput[] {
    return this.#clipping.counts();
  }

  async close(): Promise<void> {
    await this.#client.stop();
  }

  #ready(): Observation {
    if (this.#observation === null) throw misuse("the test case has no state yet: call initialize first");
    return this.#observation;
  }

  /** Every activation is said each time: what a test case does with those left out is its own affair. */
  #inputs(commanded: ReadonlyMap<string, ZoneSetpoints> | null): Record<string, number> {
    const inputs: Record<string, number> = {};
    for (const { id, heatingSetpoint, coolingSetpoint } of this.#mapping.zones) {
      const pair = commanded?.get(id);
      for (const [input, valueC] of [
        [heatingSetpoint, pair?.heatingSetpointC],
        [coolingSetpoint, pair?.coolingSetpointC],
      ] as const) {
        if (input === null) continue;
        inputs[activationOf(input)] = valueC === undefined ? 0 : 1;
        if (valueC !== undefined) inputs[input] = celsiusToK(valueC);
      }
    }
    return inputs;
  }

  #endOfStep(
    payload: BoptestValues,
    setpoints: ReadonlyMap<string, ZoneSetpoints>,
    table: OutlookTable,
    row: number,
  ): Map<PointName, number> {
    const values = new Map<PointName, number>();
    for (const { id, zoneAirTemp, co2 } of this.#mapping.zones) {
      values.set(zonePoint(id, "zoneAirTempC"), kelvinToC(this.#needed(payload, zoneAirTemp)));
      values.set(zonePoint(id, "heatingSetpointC"), setpoints.get(id)!.heatingSetpointC);
      values.set(zonePoint(id, "coolingSetpointC"), setpoints.get(id)!.coolingSetpointC);
      values.set(zonePoint(id, "occupancyCount"), table.at(zonePoint(id, "occupancyCount"), row));
      if (co2 !== null) values.set(co2Point(id), this.#needed(payload, co2));
    }
    return values;
  }

  #addPower(values: Map<PointName, number>, powerOf: (point: string) => number): void {
    const { electricPower, gasPower, districtHeatingPower } = this.#mapping;
    const sum = (points: readonly string[]): number => points.reduce((total, point) => total + powerOf(point), 0);
    values.set(buildingPoint("hvacPowerW"), sum(electricPower));
    if (gasPower.length > 0) values.set(fuelPowerPoint, sum(gasPower));
    if (districtHeatingPower.length > 0) values.set(districtHeatingPowerPoint, sum(districtHeatingPower));
  }

  async #table(stepS: number, untilS: number): Promise<OutlookTable> {
    let table = this.#tables.get(stepS);
    if (table === undefined || (table.endS < this.#nowS && table.stepS !== defaultStepS)) {
      table = new OutlookTable(this.#client, this.#mapping, this.#forecastPoints, this.#nowS, stepS);
      this.#tables.set(stepS, table);
    }
    await table.cover(untilS, this.#nowS);
    return table;
  }

  #known<T>(stepEndS: number, read: (table: OutlookTable, row: number) => T): T {
    for (const table of this.#tables.values()) {
      const row = table.rowOf(stepEndS);
      if (row !== null) return read(table, row);
    }
    throw new IsothermError("retryable", `the test case's schedule at ${this.#iso(stepEndS)} has not been asked for yet`, {
      todo: "Ask for a forecast that reaches there.",
    });
  }

  #needed(payload: BoptestValues, point: string): number {
    const value = payload.get(point);
    if (value === undefined) throw misuse(`BOPTEST's answer has no value for ${point}`);
    return value;
  }

  /** A repeated or lost advance would show here. */
  #checkedTime(payload: BoptestValues, expectedS: number, what: string): number {
    const timeS = payload.get("time");
    if (timeS === undefined || Math.abs(timeS - expectedS) > 1e-3)
      throw misuse(
        `after ${what} the test case is at ${timeS ?? "no"} s where ${expectedS} s were expected: does somebody else use the same test?`,
      );
    return expectedS;
  }

  #secondsOf(timeMs: number): number {
    return Math.round(timeMs - this.#yearStartMs) / 1000;
  }
  #iso(timeS: number): string {
    const timeMs = this.#yearStartMs + timeS * 1000;
    return Number.isFinite(timeMs) ? new Date(timeMs).toISOString() : String(timeMs);
  }
}

/** What is in force: the inputs' own values; for a side without an input what was commanded, else the comfort bound. */
function setpointsOf(
  zone: BoptestZone,
  bounds: ZoneSetpoints,
  inputC: (input: string) => number,
  commanded: ZoneSetpoints | null,
): ZoneSetpoints {
  const { heatingSetpoint, coolingSetpoint } = zone;
  return {
    heatingSetpointC: heatingSetpoint === null ? (commanded ?? bounds).heatingSetpointC : inputC(heatingSetpoint),
    coolingSetpointC: coolingSetpoint === null ? (commanded ?? bounds).coolingSetpointC : inputC(coolingSetpoint),
  };
}

const misuse = (message: string): IsothermError => new IsothermError("permanent", message);
