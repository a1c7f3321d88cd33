import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readDatasetCsv } from "#adapters/csv/readDatasetCsv";
import { createMqttBus, type MqttBus } from "#adapters/mqtt/mqttBus";
import { DatasetRows } from "#math/datasetRows";
import { metaTrain, type SourceSegment } from "#models/metaTrain";
import { readPrior } from "#models/prior";
import { sharedSources } from "#models/shippedPriors";
import { trainingRows } from "#models/thermostat/trainingRows";
import { createMosquitto, hasMosquitto, type Mosquitto, mosquittoName, until } from "../../adapters/mqtt/mosquitto.js";
import { cityFile, cityYear, daysOf, la } from "../support.js";
import { priorNlpd } from "./priorNlpd.js";

const main = fileURLToPath(new URL("../../../dist/src/main.js", import.meta.url));
const built = existsSync(main);
const DAYS = 3;
const ROWS = 110;
/** City and first day; the fifth is killed in the middle of a round. */
const buildings = [
  ["pittsburgh", "1991-01-07"],
  ["new-york", "1991-01-14"],
  ["port-angeles", "1991-10-07"],
  ["pittsburgh", "1991-07-08"],
] as const;
const killed = ["new-york", "1991-07-08"] as const;

/** Days of a city's year as a CSV of its own. */
const cut = (folder: string, city: string, from: string, days: number): string => {
  const [header, ...lines] = gunzipSync(readFileSync(cityFile(city)))
    .toString("utf8")
    .trimEnd()
    .split("\n");
  const first = lines.findIndex((line) => line.startsWith(from));
  const file = join(folder, `${city}-${from}.csv`);
  writeFileSync(file, `${[header, ...lines.slice(first, first + 96 * days)].join("\n")}\n`);
  return file;
};

interface Ended {
  readonly code: number | null;
  readonly output: string;
}
const started = (args: readonly string[]): { readonly process: ChildProcess; readonly ended: Promise<Ended> } => {
  // Five processes share the machine: one BLAS thread each.
  const child = spawn(process.execPath, [main, ...args], { env: { ...process.env, OPENBLAS_NUM_THREADS: "1" } });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (output += chunk.toString("utf8")));
  return { process: child, ended: new Promise((resolve) => child.once("close", (code) => resolve({ code, output }))) };
};

const why = built ? mosquittoName : "the command line (skipped: not built, run npm run build)";

describe.skipIf(!hasMosquitto || !built)(`isotherm federate over ${why}`, () => {
  const folder = mkdtempSync(join(tmpdir(), "isotherm-federate-"));
  const children: ChildProcess[] = [];
  let broker: Mosquitto;
  let listener: MqttBus;
  const wire: string[] = [];
  beforeAll(async () => {
    broker = await createMosquitto();
    await broker.start();
    listener = createMqttBus({ url: broker.url, clientId: "listener" });
    await listener.subscribe("isotherm-federation/#", ({ payload }) => wire.push(payload));
  });
  afterAll(async () => {
    for (const child of children) if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
    await listener.close();
    await broker.dispose();
    rmSync(folder, { recursive: true, force: true });
  });

  it("makes the prior of pooled training within 5 % of NLPD from four processes, without the one that was killed in a round, and no series leaves any of them", async () => {
    const out = join(folder, "prior.json");
    const common = ["--broker", broker.url, "--federation", "test"];
    const lead = started([...["federate", "coordinate", ...common, "--participants", "5", "--minimum", "4", "--out", out], "--json"]);
    const join1 = ([city, from]: readonly [string, string], name: string) =>
      started([
        ...["federate", "join", ...common, "--name", name, "--source", `${city}=${cut(folder, city, from, DAYS)}`],
        ...["--from", from, "--days", String(DAYS), "--rows", String(ROWS)],
      ]);
    const honest = buildings.map((building, i) => join1(building, `b${i}`));
    const victim = join1(killed, "victim");
    children.push(lead.process, victim.process, ...honest.map(({ process: child }) => child));
    await until(() => wire.some((payload) => payload.includes('"kind":"step"')), "the first step", 60_000);
    victim.process.kill("SIGKILL");
    const [led, ...joined] = await Promise.all([lead.ended, ...honest.map(({ ended }) => ended)]);
    expect(led.output).toMatch(/left out: victim: (its connection ended|no answer)/);
    expect(led.code).toBe(0);
    for (const { code, output } of joined) expect(output, output).toSatisfy(() => code === 0);

    const federated = readPrior(out);
    expect(federated.manifest.sources.map(({ name }) => name).sort()).toEqual([
      "b0/pittsburgh",
      "b1/new-york",
      "b2/port-angeles",
      "b3/pittsburgh",
    ]);
    expect(federated.manifest.skipped?.map(({ name }) => name)).toEqual(["victim"]);
    // Its sources' days are recognised, so that it is never judged on them.
    expect(sharedSources(federated, daysOf(await cityYear("pittsburgh"), "1991-01-07", DAYS))).toContain("b0/pittsburgh");

    const segments = await Promise.all(
      buildings.map(async ([city, from], i): Promise<SourceSegment> => {
        const dataset = await readDatasetCsv(join(folder, `${city}-${from}.csv`));
        return { name: `b${i}`, data: new DatasetRows(dataset), zone: "zone", neighbours: [], group: `b${i}` };
      }),
    );
    const pooled = await metaTrain(la, segments, { maxRows: ROWS, onProgress: () => undefined });
    // Of days that neither has seen, under the prior itself.
    for (const [city, from] of [
      ["new-york", "1991-04-08"],
      ["pittsburgh", "1991-02-04"],
      ["port-angeles", "1991-07-15"],
    ] as const) {
      const rows = trainingRows(new DatasetRows(daysOf(await cityYear(city), from, 5)), "zone", []);
      const [ofFederated, ofPooled] = [priorNlpd(rows, federated), priorNlpd(rows, pooled)];
      const measured = `${city} ${from}: ${ofFederated.toFixed(4)} federated, ${ofPooled.toFixed(4)} pooled`;
      expect(Math.abs(ofFederated - ofPooled), measured).toBeLessThanOrEqual(0.05 * Math.abs(ofPooled));
    }

    const lengths = (value: unknown): number[] =>
      Array.isArray(value)
        ? [value.length, ...value.flatMap(lengths)]
        : typeof value === "object" && value !== null
          ? Object.values(value).flatMap(lengths)
          : [];
    expect(wire.length).toBeGreaterThan(50);
    for (const payload of wire) expect(Math.max(0, ...lengths(JSON.parse(payload)))).toBeLessThan(ROWS / 2);
  }, 180_000);

  it("tells what is wrong and ends with 69 where the others do not come", async () => {
    const lead = started([
      "federate",
      "coordinate",
      "--broker",
      broker.url,
      "--participants",
      "2",
      "--join-timeout",
      "1 s",
      "--out",
      join(folder, "none.json"),
    ]);
    children.push(lead.process);
    const { code, output } = await lead.ended;
    expect(output).toMatch(/0 of 2 participants are there, 2 are needed/);
    expect(code).toBe(69);
    expect(existsSync(join(folder, "none.json"))).toBe(false);
  });
});
