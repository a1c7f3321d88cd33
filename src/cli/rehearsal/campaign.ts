import { type ChildProcess, execFile, fork, spawn } from "node:child_process";
import { createWriteStream, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createMqttBus, type MqttBus } from "#adapters/mqtt/mqttBus";
import { topicsOf } from "#adapters/mqtt/wire";
import type { TimeLine } from "#cli/daemon/run";
import { createTimeLineClock } from "#cli/daemon/siteClock";
import { endProcess, untilTrue } from "#cli/rehearsal/broker";
import type { BuildingsOrder } from "#cli/rehearsal/buildings";
import { compareStores } from "#cli/rehearsal/compareStores";
import { passwordOf, type SecureBroker, startInflux, startSecureBroker } from "#cli/rehearsal/servers";
import { buildingText, controllerText, type OfficeText } from "#cli/rehearsal/siteText";
import { makeTemplate } from "#cli/rehearsal/template";
import { watchSetpoints } from "#cli/rehearsal/watcher";
import { loadSiteConfig } from "#config/loadSiteConfig";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** New York's clocks go forward at 02:00 on this day of 2026. */
const DST_DAY = Date.parse("2026-03-08T00:00:00Z");
const SITE = "campaign";

const main = fileURLToPath(new URL("../../main.js", import.meta.url));
const buildingsScript = fileURLToPath(new URL("./buildings.js", import.meta.url));
const run = promisify(execFile);

/** ISOTHERM_CAMPAIGN_DAYS (14), ISOTHERM_CAMPAIGN_SPEED (600), ISOTHERM_CAMPAIGN_KILLS (0). */
const setting = (name: string, otherwise: number): number => Number(process.env[`ISOTHERM_CAMPAIGN_${name}`] ?? otherwise);
const monthDay = (timeMs: number): string => new Date(timeMs).toISOString().slice(5, 10);

interface Happening {
  readonly atMs: number;
  readonly name: string;
  readonly act: () => Promise<unknown>;
}

/**
 * Days of a daemon's life end to end: a Mosquitto with the shipped TLS and ACL, an InfluxDB with authentication, a building in a process of its own that speaks MQTT only; shadow, auto, an override, a
 * holiday, a change of the clocks, a demand-response event, models promoted and rolled back, SIGKILLs. Rejects where a promise was broken.
 */
export const campaign = async (say: (line: string) => void): Promise<void> => {
  const [days, speed, kills] = [setting("DAYS", 14), setting("SPEED", 600), setting("KILLS", 0)];
  const folder = mkdtempSync(join(tmpdir(), "isotherm-campaign-"));
  const children: ChildProcess[] = [];
  const buses: MqttBus[] = [];
  let daemon: ChildProcess | null = null;
  let passed = false;
  try {
    const broker: SecureBroker = await startSecureBroker(folder);
    children.push(broker.child);
    const influx = await startInflux(folder);
    children.push(influx.child);
    const firstDayMs = DST_DAY - Math.floor(days / 2) * DAY_MS;
    for (const file of ["ca.pem", "client.pem", "client.key"])
      writeFileSync(join(folder, `site-${file}`), pemOf(broker, file), { mode: 0o600 });
    for (const user of ["isotherm"]) writeFileSync(join(folder, `${user}.password`), passwordOf(user), { mode: 0o600 });
    const directory = join(folder, "data");
    const holidayMs = firstDayMs + Math.max(1, Math.round((3 * days) / 14)) * DAY_MS;
    const office: OfficeText = {
      id: SITE,
      directory,
      timeZone: "America/New_York",
      start: monthDay(firstDayMs),
      year: 2026,
      historyDays: 4,
      mode: "shadow",
      sensors: "sensors",
      control: `  comfort: { week: { mon-fri: ["07:00-18:00"] }, holidays: [${new Date(holidayMs).toISOString().slice(0, 10)}] }\n`,
      planner: "  samples: 60\n  horizon: 8\n",
      mqtt: `  url: ${broker.url}
  username: isotherm
  password: { file: isotherm.password }
  ca: site-ca.pem
  certificate: site-client.pem
  key: site-client.key
  serverName: ${broker.tls.servername}
`,
      more: `learning: { trainingDays: 4, minDays: 2 }
influx: { url: "${influx.url}", database: isotherm, username: isotherm, password: { file: isotherm.password } }
`,
    };
    mkdirSync(directory);
    const startMs = await makeTemplate(office, directory, () => undefined, false);
    const siteFile = join(folder, "site.yaml");
    const buildingFile = join(folder, "building.yaml");
    writeFileSync(siteFile, controllerText(office));
    writeFileSync(buildingFile, buildingText(office));
    const timeLine: TimeLine = { startMs, anchorMs: Date.now(), speed };
    const clock = createTimeLineClock(timeLine);
    const endMs = startMs + days * DAY_MS;
    const simulated = fork(buildingsScript, [], { stdio: ["ignore", "ignore", "inherit", "ipc"] });
    children.push(simulated);
    const order: BuildingsOrder = {
      buildings: [{ configFile: buildingFile, stateFile: join(directory, "building.json") }],
      timeLine,
      sensors: "sensors",
      broker: { url: broker.url, username: "building", password: passwordOf("building"), tls: broker.tls },
    };
    simulated.send(order);
    const log = createWriteStream(join(folder, "daemon.log"));
    const line = `${new Date(startMs).toISOString()},${timeLine.anchorMs},${speed}`;
    const startDaemon = (): ChildProcess => {
      const child = spawn(process.execPath, [main, "start", "--config", siteFile, "--time-line", line], {
        stdio: ["ignore", "pipe", "pipe"],
      });
      child.stdout.pipe(log, { end: false });
      child.stderr.pipe(log, { end: false });
      return child;
    };
    daemon = startDaemon();

    const connect = async (user: string): Promise<MqttBus> => {
      const bus = createMqttBus({
        url: broker.url,
        clientId: `${user}-campaign`,
        username: user,
        password: passwordOf(user),
        tls: broker.tls,
      });
      buses.push(bus);
      await untilTrue(`${user}'s connection`, 20_000, () => bus.connected);
      return bus;
    };
    const [people, utility, reader] = [await connect("homeassistant"), await connect("utility"), await connect("reader")];
    const topics = topicsOf(SITE);
    const watch = await watchSetpoints(reader, SITE, clock);
    const answers: string[] = [];
    await reader.subscribe("isotherm/+/+/result", ({ topic, payload }) => void answers.push(`${topic} ${payload}`));
    await reader.subscribe("isotherm/+/zone/+/override/result", ({ topic, payload }) => void answers.push(`${topic} ${payload}`));
    const publish = (bus: MqttBus, topic: string, message: object): Promise<void> =>
      bus.publish(topic, JSON.stringify(message), { qos: 1 });
    const command = async (...args: string[]): Promise<string> =>
      (
        await run(process.execPath, [main, "model", ...args, "--config", siteFile, "--json"]).catch(
          (error: { stdout?: string; stderr?: string }) => ({
            stdout: `refused: ${error.stderr ?? ""}`,
          }),
        )
      ).stdout.trim();
    const changes: string[] = [];
    const promoteOldest = async (): Promise<void> => {
      const list = JSON.parse(await command("list")) as { inForce: string | null; versions: readonly { version: string; state: string }[] };
      const other = list.versions.findLast(({ version }) => version !== list.inForce);
      // Told at the end as a promise that was not kept; the stores are compared all the same.
      if (other === undefined) return say("  nothing to promote: only one model was learned by then");
      changes.push(await command("promote", other.version, "--by", "Ada", "--reason", "campaign"));
    };
    const of = (share: number): number => startMs + (share * days * DAY_MS) / 14;
    let acted = 0;
    const happenings: readonly Happening[] = (
      [
        { atMs: of(1), name: "auto", act: () => publish(people, topics.modeSet, { id: "c1", by: "Ada", mode: "auto" }) },
        {
          atMs: of(4),
          name: "override",
          act: () =>
            publish(people, topics.commandSet("space1", "override"), {
              id: "c2",
              by: "Bo",
              reason: "visitors",
              heat: 22,
              cool: 25,
              minutes: 240,
            }),
        },
        {
          atMs: of(6),
          name: "demand response",
          act: () => publish(utility, topics.demandResponseSet, { id: "c3", by: "grid", limit_kw: 6, minutes: 180 }),
        },
        { atMs: of(10), name: "promotion", act: promoteOldest },
        {
          atMs: of(12),
          name: "roll-back",
          act: async () => void changes.push(await command("rollback", "--by", "Ada", "--reason", "campaign")),
        },
        ...Array.from(
          { length: kills },
          (_, k): Happening => ({
            atMs: startMs + ((k + 0.2 + 0.6 * Math.random()) / kills) * days * DAY_MS,
            name: `SIGKILL ${k + 1}`,
            act: async () => {
              await endProcess(daemon, "SIGKILL");
              daemon = startDaemon();
            },
          }),
        ),
      ] satisfies Happening[]
    ).sort((a, b) => a.atMs - b.atMs);
    say(
      `  ${days} days at ${speed} times real speed, ${kills} kills, from ${new Date(startMs).toISOString()}; about ${((days * 86_400) / speed / 60).toFixed(0)} min`,
    );
    for (const { atMs, name, act } of happenings) {
      await sleep(Math.max(0, (atMs - clock.nowMs()) / speed));
      await act();
      acted += 1;
      say(`  ${new Date(clock.nowMs()).toISOString().slice(0, 16)}Z ${name}`);
    }
    await sleep(Math.max(0, (endMs - clock.nowMs()) / speed));

    // ---- the building falls silent, and what was stored arrives
    await endProcess(simulated);
    await sleep(8_000);
    await endProcess(daemon);
    const exit = daemon.exitCode;
    const config = loadSiteConfig(siteFile);
    const stores = await compareStores(
      directory,
      config.points.map(({ point }) => point),
      { url: influx.url, database: "isotherm", username: "isotherm", password: passwordOf("isotherm"), building: SITE },
    );
    const list = JSON.parse(await command("list")) as { changes: readonly { kind: string; version: string; by: string }[] };
    say(
      `  setpoints seen ${watch.seen} (${Object.entries(watch.sources)
        .map(([source, count]) => `${source} ${count}`)
        .join(", ")}), expired ${watch.expired}, backwards ${watch.backwards}, malformed ${watch.malformed}`,
    );
    say(`  orders answered: ${answers.length}; ${answers.join(" | ")}`);
    say(
      `  models: ${list.changes
        .toReversed()
        .map(({ kind, by }) => `${kind} (${by})`)
        .join(", ")}`,
    );
    say(
      `  stores: ${stores.points} points, ${stores.embedded} values embedded, ${stores.influx} in InfluxDB; repeated ${stores.repeated}, missing ${stores.missingInInflux}, only in InfluxDB ${stores.onlyInInflux}, unequal ${stores.unequal}`,
    );
    const wrong = [
      watch.expired > 0 && "a setpoint was published after its valid_until",
      watch.backwards > 0 && "a setpoint went back in (epoch, seq)",
      watch.malformed > 0 && "a setpoint was malformed",
      watch.seen === 0 && "no setpoint was published",
      watch.firstMs < of(1) && "a setpoint was published in shadow mode",
      stores.repeated + stores.missingInInflux + stores.onlyInInflux + stores.unequal > 0 && "the stores differ",
      !["promoted", "rolled-back"].every((kind) => list.changes.some((change) => change.kind === kind)) &&
        "a model was not promoted and rolled back",
      answers.length < 3 && "an order was not answered",
      answers.some((answer) => !answer.includes('"ok":true')) && "an order was refused",
      exit !== 0 && `the daemon ended with ${exit}`,
      acted !== happenings.length && "not everything happened",
    ].filter((text) => text !== false);
    if (wrong.length > 0) throw new Error(`${wrong.join("; ")} (kept: ${folder})`);
    passed = true;
    say("  every promise was kept");
  } finally {
    for (const bus of buses) await bus.close();
    await endProcess(daemon, "SIGKILL");
    for (const child of children.reverse()) await endProcess(child);
    if (passed) rmSync(folder, { recursive: true, force: true });
  }
};

const pemOf = ({ tls }: SecureBroker, file: string): string => (file === "ca.pem" ? tls.ca : file === "client.pem" ? tls.cert : tls.key);
