import type { Sensitivity } from "#models/evaluation/sensitivity";

const plainNames: Readonly<Record<string, string>> = {
  "difference.1": "how fast it was changing",
  "slowMean.3600": "the last hour's mean against now",
  "slowMean.43200": "the last half day's mean against now",
  "offset.outdoorAirTempC": "outdoor air against the zone",
  "disturbance.directNormalIrradianceWm2.0": "sun",
  "disturbance.directNormalIrradianceWm2.1": "sun, a step before",
  "disturbance.globalHorizontalIrradianceWm2.0": "sun",
  "disturbance.globalHorizontalIrradianceWm2.1": "sun, a step before",
  "disturbance.occupancyCount.0": "people",
  "disturbance.windSpeedMps.0": "wind",
  "disturbance.outdoorRelativeHumidityPct.0": "outdoor humidity",
  "disturbance.outdoorAirTempC.0": "outdoor air",
  sin1: "hour of the day (sine)",
  cos1: "hour of the day (cosine)",
  sin2: "hour of the day, twice (sine)",
  cos2: "hour of the day, twice (cosine)",
  workday: "working day or weekend",
  constant: "a constant",
};

/** A model input as people would name it; `neighbour` is the zone next door that it looks at. */
export const inputName = (key: string, neighbour?: string): string => {
  const gated = /^(heating|cooling)\*(.*)$/.exec(key);
  if (gated !== null) {
    const [, mode, inner] = gated;
    return inner === "constant" ? `full ${mode}` : `full ${mode}, by ${inputName(inner!, neighbour)}`;
  }
  if (key === "neighbour") return neighbour === undefined ? "a zone next door" : `zone ${neighbour} next door`;
  const known = plainNames[key];
  if (known !== undefined) return known;
  if (key.startsWith("state.")) return `temperature ${key.slice(key.lastIndexOf(".") + 1)} step(s) ago`;
  if (key.startsWith("setpoint.")) return `${key.split(".")[1]} setpoint`;
  return key;
};

/** Inputs that are one thing to people. */
const groupOf = (key: string): string => {
  if (/^(sin|cos)\d$/.test(key)) return "hour of the day";
  if (/^disturbance\.(direct|global)/.test(key)) return "sun";
  if (/^heating\*/.test(key)) return "full heating";
  if (/^cooling\*/.test(key)) return "full cooling";
  if (key === "neighbour") return "zones next door";
  return inputName(key);
};

/** Effects by what people would name, strongest first: the root of the sum of squares of a group's inputs. */
export const groupedEffects = ({ inputs }: Sensitivity): readonly { readonly name: string; readonly effectK: number }[] => {
  const squares = new Map<string, number>();
  for (const { key, effectK } of inputs) squares.set(groupOf(key), (squares.get(groupOf(key)) ?? 0) + effectK ** 2);
  return [...squares]
    .map(([name, square]) => ({ name, effectK: Math.sqrt(square) }))
    .filter(({ effectK }) => effectK > 0)
    .sort((a, b) => b.effectK - a.effectK);
};
