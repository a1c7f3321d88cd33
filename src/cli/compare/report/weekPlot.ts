import { comfortAt } from "#cli/compare/cases";
import { fixed, ticks } from "#cli/compare/report/format";
import { escapeHtml, type Html, raw } from "#cli/compare/report/html";
import { curvePath, type Scale, stepPath } from "#cli/compare/report/lines";
import type { Trace } from "#cli/compare/report/trace";
import type { RunOptions } from "#cli/compare/simulateCommand";

const WIDTH = 1520;
const LEFT = 90;
const RIGHT = 20;
const TOP = 40;
const GAP = 46;
const panels = { temperature: 300, setpoints: 190, power: 150 } as const;
const zoneColours = ["#0072b2", "#c2410c", "#007a5a", "#7e3794", "#8a6d00", "#111827", "#a8327e", "#4b7cc4"];
const dashes = ["", "14 5", "4 4", "18 5 4 5"];
const weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const HEIGHT = TOP + panels.temperature + panels.setpoints + panels.power + 2 * GAP + 40;

const finite = (values: readonly number[]): number[] => values.filter(Number.isFinite);
const low = (values: readonly number[]): number => finite(values).reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
const high = (values: readonly number[]): number => finite(values).reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
const averaged = (columns: readonly (readonly number[])[]): number[] =>
  (columns[0] ?? []).map((_value, i) => {
    const values = finite(columns.map((column) => column[i]!));
    return values.length === 0 ? Number.NaN : values.reduce((sum, value) => sum + value, 0) / values.length;
  });

interface Panel {
  readonly svg: string;
  readonly scale: Scale;
}

/** Frame, grid and labels of one panel. */
function panel(top: number, height: number, title: string, from: number, to: number, x: Scale["x"]): Panel {
  const values = ticks(from, to, 4);
  const [first, last] = [values[0]!, values.at(-1)!];
  const y = (value: number): number => top + height - (height * (value - first)) / (last - first || 1);
  const grid = values
    .map((value) => {
      const at = Math.round(y(value));
      return `<path class="g" d="M${LEFT} ${at}H${WIDTH - RIGHT}"/><text x="${LEFT - 10}" y="${at + 8}" text-anchor="end">${fixed(value, Number.isInteger(value) ? 0 : 1)}</text>`;
    })
    .join("");
  return { svg: `<text class="t" x="${LEFT}" y="${top - 12}">${escapeHtml(title)}</text>${grid}`, scale: { x, y } };
}

/** Spans of steps in which `is` holds, first and last. */
function spans(steps: number, is: (step: number) => boolean): [number, number][] {
  const found: [number, number][] = [];
  for (let i = 0; i < steps; i++) {
    if (!is(i)) continue;
    const last = found.at(-1);
    if (last !== undefined && last[1] === i - 1) last[1] = i;
    else found.push([i, i]);
  }
  return found;
}

/** Days of a run: a line at each midnight and its name. */
function dayGrid(trace: Trace, x: Scale["x"], bottom: number): string {
  const midnights = trace.timesMs.flatMap((timeMs, step) => (timeMs % 86_400_000 === 0 ? [step] : []));
  const starts = [-1, ...midnights.slice(0, midnights.at(-1) === trace.timesMs.length - 1 ? -1 : undefined)];
  const every = Math.ceil(starts.length / 14);
  return starts
    .map((step, i) => {
      const at = Math.round(x(step));
      const day = new Date(trace.timesMs[step + 1]! - 1);
      const name = i % every === 0 ? `<text x="${at + 6}" y="${bottom + 28}">${weekdays[day.getUTCDay()]} ${day.getUTCDate()}</text>` : "";
      return `<path class="d" d="M${at} ${TOP}V${bottom}"/>${name}`;
    })
    .join("");
}

/**
 * A run's days as SVG: zone temperatures against the comfort band (shaded while anyone is there), setpoints, power. `bucket` steps are drawn as their lowest and highest.
 */
export function weekPlot(trace: Trace, options: RunOptions, name: string, bucket: number): Html {
  const { zones, timesMs } = trace;
  const steps = timesMs.length;
  const x = (step: number): number => LEFT + ((WIDTH - LEFT - RIGHT) * (step + 1)) / steps;
  const temperatures = zones.map((zone) => trace.column(`${zone}.zoneAirTempC`));
  const people = zones.map((zone) => trace.column(`${zone}.occupancyCount`));
  const heating = zones.map((zone) => trace.column(`${zone}.heatingSetpointC`));
  const cooling = zones.map((zone) => trace.column(`${zone}.coolingSetpointC`));
  const power = trace.column("hvacPowerKw");
  const isOccupied = (i: number): boolean => people.some((column) => column[i]! > 0);
  const bands = timesMs.map((timeMs) => comfortAt(options, timeMs));

  const tempPanel = panel(
    TOP,
    panels.temperature,
    "Zone air temperature, °C",
    Math.min(...temperatures.map(low), ...bands.map((b) => b.lowerC)),
    Math.max(...temperatures.map(high), ...bands.map((b) => b.upperC)),
    x,
  );
  const setTop = TOP + panels.temperature + GAP;
  const setPanel = panel(
    setTop,
    panels.setpoints,
    "Setpoints, °C (mean of the zones)",
    Math.min(...heating.map(low)),
    Math.max(...cooling.map(high)),
    x,
  );
  const powerTop = setTop + panels.setpoints + GAP;
  const powerPanel = panel(powerTop, panels.power, "HVAC power, kW", 0, high(power), x);
  const bottom = powerTop + panels.power;

  const band = spans(steps, isOccupied)
    .map(([from, to]) => {
      const { lowerC, upperC } = bands[from]!;
      const [left, top] = [Math.round(x(from - 1)), Math.round(tempPanel.scale.y(upperC))];
      return `<rect class="b" x="${left}" y="${top}" width="${Math.round(x(to)) - left}" height="${Math.round(tempPanel.scale.y(lowerC)) - top}"/>`;
    })
    .join("");
  const temperatureLines = temperatures
    .map(
      (values, z) =>
        `<path class="l" stroke="${zoneColours[z % zoneColours.length]}"${z < zoneColours.length ? "" : ` stroke-dasharray="14 5"`} d="${curvePath(values, bucket, tempPanel.scale)}"/>`,
    )
    .join("");
  const setpointLines = `<path class="l" stroke="#b42318" d="${stepPath(averaged(heating), bucket, setPanel.scale)}"/><path class="l" stroke="#1d4ed8" stroke-dasharray="${dashes[1]}" d="${stepPath(averaged(cooling), bucket, setPanel.scale)}"/>`;
  const powerLine = `<path class="l" stroke="#111827" d="${curvePath(power, bucket, powerPanel.scale)}"/>`;

  const occupied = timesMs.map((_time, i) => isOccupied(i));
  const whileThere = temperatures.map((values) => values.filter((_value, i) => occupied[i]));
  const peakAt = new Date(timesMs[power.indexOf(high(power))] ?? 0);
  const peak = `${weekdays[peakAt.getUTCDay()]} ${peakAt.toISOString().slice(11, 16)}`;
  const text = `${name}: while people are there zones lie between ${fixed(Math.min(...whileThere.map(low)), 1)} and ${fixed(Math.max(...whileThere.map(high)), 1)} °C; power is highest, ${fixed(high(power), 1)} kW, at ${peak}.`;
  const title = `<title>${escapeHtml(text)}</title>`;
  return raw(
    `<svg class="week" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeHtml(text)}">${title}${dayGrid(trace, x, bottom)}${tempPanel.svg}${band}${temperatureLines}${setPanel.svg}${setpointLines}${powerPanel.svg}${powerLine}</svg>`,
  );
}

/** Which line is which zone, and what else is drawn. */
export function weekLegend(zones: readonly string[]): Html {
  const key = (colour: string, text: string, dash = ""): string =>
    `<span><svg viewBox="0 0 26 10" width="26" height="10" aria-hidden="true"><path d="M0 5H26" stroke="${colour}" stroke-width="3"${dash === "" ? "" : ` stroke-dasharray="${dash}"`}/></svg> ${escapeHtml(text)}</span>`;
  return raw(
    `<p class="legend"><span><span class="swatch"></span> comfort band while people are there</span>${zones.map((zone, z) => key(zoneColours[z % zoneColours.length]!, zone)).join("")}${key("#b42318", "heating setpoint")}${key("#1d4ed8", "cooling setpoint", "7 3")}</p>`,
  );
}
