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
import { type ExpectedEffects, effectsOf, type KeptOverride, storedDecisions } from "#cli/rehearsal/campaignEffects";
import { giveOrders } from "#cli/rehearsal/campaignOrders";
import { CAMPAIGN_SITE, campaignOffice } from "#cli/rehearsal/campaignSite";
import { compareStores } from "#cli/rehearsal/compareStores";
import { deliverRest } from "#cli/rehearsal/deliverRest";
import { obedienceOf } from "#cli/rehearsal/deviceLog";
import { outage, type Recovery, type Restartable, untilControl, untilReplicated } from "#cli/rehearsal/outages";
import { ownPairsOf } from "#cli/rehearsal/ownPairs";
import { passwordOf, startInflux, startSecureBroker } from "#cli/rehearsal/servers";
import { buildingText, controllerText } from "#cli/rehearsal/siteText";
import { makeTemplate } from "#cli/rehearsal/template";
import { watchSetpoints } from "#cli/rehearsal/watcher";
import { createWeatherService } from "#cli/rehearsal/weatherService";
import { localTime } from "#config/comfort";
import { loadSiteConfig } from "#config/loadSiteConfig";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** New York's clocks go forward at 02:00 on this day of 2026. */
const DST_DAY = Date.parse("2026-03-08T00:00:00Z");
/** Longest real time from the end of a trouble to the next setpoint, s. */
const BACK_LIMIT_S = 10;
/** InfluxDB is asked again after 5 s at most twice as long each time, 60 s at the longest; then it takes what a day left. */
const INFLUX_BACK_LIMIT_S = 120;
/** What the building's process may lag behind its clock, real ms. */
const DEVICE_LAG_MS = 250;
/** How exactly the processes' clocks agree beside what a message takes, real ms. */
const CLOCK_TOLERANCE_MS = 1_000;
/** Real seconds that the daemon may need for its first start, in which nobody takes measurements down. */
const START_S = 20;

const main = fileURLToPath(new URL("../../main.js", import.meta.url));
const buildingsScript = fileURLToPath(new URL("./buildings.js", import.meta.url));
const run = promisify(execFile);

/** ISOTHERM_CAMPAIGN_DAYS (14), ISOTHERM_CAMPAIGN_SPEED (600), ISOTHERM_CAMPAIGN_KILLS (0), ISOTHERM_CAMPAIGN_OUTAGES (1; 0: none); the folder stays where ISOTHERM_CAMPAIGN_KEEP is set. */
const setting = (name: string, otherwise: number): number => Number(process.env[`ISOTHERM_CAMPAIGN_${name}`] ?? otherwise);

const dayOf = (timeMs: number): string => new Date(timeMs).toISOString().slice(0, 10);

interface Happening {
  readonly atMs: number;
  readonly name: string;
  readonly act: () => Promise<unknown>;
}

/**
 * Days of a daemon's life end to end: a Mosquitto with the shipped TLS and ACL, an InfluxDB with authentication, a weather service, a building in a process of its own that speaks MQTT only; shadow, auto,
 * an override, a holiday, a change of the clocks, a demand-response event, models promoted and rolled back; a broker that is away for an hour, an InfluxDB for a day, forecasts for a week, SIGKILLs.
 * Rejects where a promise was broken.
 */
export const campaign = async (say: (line: string) => void): Promise<void> => {
  const [days, speed, kills, outages] = [setting("DAYS", 14), setting("SPEED", 600), setting("KILLS", 0), setting("OUTAGES", 1)];
  const folder = mkdtempSync(join(tmpdir(), "isotherm-campaign-"));
  const children: ChildProcess[] = [];
  const servers: Restartable[] = [];
  const buses: MqttBus[] = [];
  const closing: (() => Promise<void>)[] = [];
  let daemon: ChildProcess | null = null;
  let passed = false;
  try {
    const broker = await startSecureBroker(folder);
    const mosquitto: Restartable = { start: broker.start, child: await broker.start() };
    const influx = await startInflux(folder);
    const influxd: Restartable = { start: influx.start, child: influx.child };
    servers.push(mosquitto, influxd);
    const firstDayMs = DST_DAY - Math.floor(days / 2) * DAY_MS;
    const directory = join(folder, "data");
    const holidayMs = firstDayMs + Math.max(1, Math.round((3 * days) / 14)) * DAY_MS;
    // Its clock is the site's, which is known once the history before the first day is made.
    let siteNowMs = (): number => firstDayMs;
    const weather = await createWeatherService("new-york", { nowMs: () => siteNowMs() });
    closing.push(() => weather.close());
    const office = campaignOffice({ folder, directory, firstDayMs, holidayMs, broker, influxUrl: influx.url, weatherUrl: weather.url });
    mkdirSync(directory);
    const startMs = await makeTemplate(office, directory, () => undefined, false);
    const siteFile = join(folder, "site.yaml");
    const buildingFile = join(folder, "building.yaml");
    writeFileSync(siteFile, controllerText(office));
    writeFileSync(buildingFile, buildingText(office));
    const timeLine: TimeLine = { startMs, anchorMs: Date.now(), speed };
    const clock = createTimeLineClock(timeLine);
    siteNowMs = clock.nowMs;
    const endMs = startMs + days * DAY_MS;
    const deviceLog = join(folder, "devices.jsonl");
    const simulated = fork(buildingsScript, [], { stdio: ["ignore", "ignore", "inherit", "ipc"] });
    children.push(simulated);
    const order: BuildingsOrder = {
      buildings: [{ configFile: buildingFile, stateFile: join(directory, "building.json") }],
      timeLine,
      sensors: "sensors",
      deviceLog,
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
    const [people, utility, engineer, reader] = [
      await connect("homeassistant"),
      await connect("utility"),
      await connect("engineer"),
      await connect("reader"),
    ];
    const topics = topicsOf(CAMPAIGN_SITE);
    const influxAccess = {
      url: influx.url,
      database: "isotherm",
      username: "isotherm",
      password: passwordOf("isotherm"),
      building: CAMPAIGN_SITE,
    };
    const watch = await watchSetpoints(reader, CAMPAIGN_SITE, clock);
    const orders = await giveOrders(reader, clock);
    const command = async (...args: string[]): Promise<string> =>
      (
        await run(process.execPath, [main, "model", ...args, "--config", siteFile, "--json"]).catch(
          (error: { stdout?: string; stderr?: string }) => ({
            stdout: `refused: ${error.stderr ?? ""}`,
          }),
        )
      ).stdout.trim();
    const models: { version: string; ackMs: number }[] = [];
    const listModels = async () =>
      JSON.parse(await command("list")) as { inForce: string | null; rollbackTo: string | null; versions: readonly { version: string }[] };
    const promoteOldest = async (): Promise<void> => {
      const list = await listModels();
      const other = list.versions.findLast(({ version }) => version !== list.inForce);
      // Told at the end as a promise that was not kept; the stores are compared all the same.
      if (other === undefined) return say("  nothing to promote: only one model was learned by then");
      await command("promote", other.version, "--by", "Ada", "--reason", "campaign");
      models.push({ version: other.version, ackMs: clock.nowMs() });
    };
    const rollBack = async (): Promise<void> => {
      const { rollbackTo } = await listModels();
      const ackMs = await orders.give(engineer, topics.modelSet, { by: "Eva", reason: "campaign", action: "rollback" });
      if (ackMs !== null && rollbackTo !== null) models.push({ version: rollbackTo, ackMs });
    };
    const overrides: KeptOverride[] = [];
    const override = async (zone: string, heatC: number, coolC: number, minutes: number): Promise<void> => {
      const ackMs = await orders.give(people, topics.commandSet(zone, "override"), {
        by: "Bo",
        reason: "visitors",
        heat: heatC,
        cool: coolC,
        minutes,
      });
      if (ackMs === null) return;
      const setpoints = { heatingSetpointC: heatC, coolingSetpointC: coolC };
      overrides.push({ zone, setpoints, ackMs, untilMs: ackMs + minutes * 60_000 });
    };
    let limit: ExpectedEffects["limit"] = null;
    const announceLimit = async (limitKw: number, minutes: number): Promise<void> => {
      const ackMs = await orders.give(utility, topics.demandResponseSet, { by: "grid", limit_kw: limitKw, minutes });
      if (ackMs !== null) limit = { limitKw, ackMs, untilMs: ackMs + minutes * 60_000 };
    };
    let influxBackS = Number.NaN;
    const away: { fromMs: number; toMs: number }[] = [];
    /** A trouble that takes the daemon's or the broker's time, from its beginning to the first setpoint after it. */
    const whileAway = async (work: () => Promise<unknown>): Promise<void> => {
      const fromMs = clock.nowMs();
      await work();
      away.push({ fromMs, toMs: clock.nowMs() });
    };
    const forecastsAway = { fromMs: Number.NaN, toMs: Number.NaN };
    const of = (share: number): number => startMs + (share * days * DAY_MS) / 14;
    const realS = (siteMs: number): number => siteMs / speed / 1_000;
    const recoveries: Recovery[] = [];
    const background: Promise<void>[] = [];
    const back = (trouble: string, backS: number): void => {
      recoveries.push({ trouble, backS });
      say(`  ${trouble}: the next setpoint after ${backS.toFixed(1)} s`);
    };
    let acted = 0;
    const happenings: readonly Happening[] = (
      [
        { atMs: of(1), name: "auto", act: () => orders.give(people, topics.modeSet, { by: "Ada", mode: "auto" }) },
        { atMs: of(4), name: "override", act: () => override("space1", 22, 25, 240) },
        // People everywhere, all the time: what was acknowledged has to hold, whoever is killed meanwhile.
        ...Array.from({ length: 20 }, (_, k): Happening => {
          const zone = `space${2 + (k % 4)}`;
          return {
            atMs: of(1.4 + 0.6 * k),
            name: `override of ${zone}`,
            act: () => override(zone, 19 + 0.5 * (k % 5), 25 + 0.5 * (k % 3), 90 + 30 * (k % 6)),
          };
        }),
        { atMs: of(6), name: "demand response", act: () => announceLimit(6, 180) },
        { atMs: of(10), name: "promotion", act: promoteOldest },
        { atMs: of(12), name: "roll-back", act: rollBack },
        ...(outages > 0
          ? [
              {
                atMs: of(5.5),
                name: "broker away for an hour",
                act: () =>
                  whileAway(async () => {
                    await outage(mosquitto, realS(HOUR_MS));
                    back("broker", await untilControl(watch));
                  }),
              },
              {
                atMs: of(5),
                name: "no forecasts for a week",
                act: async () => {
                  await weather.close();
                  forecastsAway.fromMs = clock.nowMs();
                },
              },
              {
                atMs: of(12),
                name: "forecasts again",
                act: async () => {
                  forecastsAway.toMs = clock.nowMs();
                  await weather.open();
                },
              },
              {
                atMs: of(7),
                name: "InfluxDB away for a day",
                act: async () =>
                  void background.push(
                    outage(influxd, realS((days * DAY_MS) / 14)).then(async () => {
                      influxBackS = await untilReplicated(influxAccess, clock);
                    }),
                  ),
              },
            ]
          : []),
        ...Array.from(
          { length: kills },
          (_, k): Happening => ({
            atMs: startMs + ((k + 0.2 + 0.6 * Math.random()) / kills) * days * DAY_MS,
            name: `SIGKILL ${k + 1}`,
            act: () =>
              whileAway(async () => {
                const { epoch } = watch;
                await endProcess(daemon, "SIGKILL");
                daemon = startDaemon();
                back(`SIGKILL ${k + 1}`, await untilControl(watch, epoch));
              }),
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

    await Promise.all(background);
    // ---- the building falls silent, and what was stored arrives
    await endProcess(simulated);
    const config = loadSiteConfig(siteFile);
    // The last rows go to InfluxDB with the next look for new ones.
    await sleep(8_000 + (config.influx?.intervalMs ?? 0));
    await endProcess(daemon);
    const exit = daemon.exitCode;
    const rest = await deliverRest(directory, influxAccess);
    const stores = await compareStores(
      directory,
      config.points.map(({ point }) => point),
      influxAccess,
      { fromMs: startMs, toMs: endMs },
    );
    const obedience = obedienceOf(deviceLog, await ownPairsOf(buildingFile, folder), 60_000 + speed * DEVICE_LAG_MS);
    const effects = effectsOf(await storedDecisions(directory, of(0), endMs), {
      overrides,
      limit,
      models,
      modelHoldsMs: 12 * HOUR_MS,
      holiday: dayOf(holidayMs),
      dst: { before: dayOf(DST_DAY - 2 * DAY_MS), after: dayOf(DST_DAY + DAY_MS), fromHour: 7, toHour: 18 },
      localOf: (timeMs) => localTime(config.site.timeZone, timeMs),
      forecastsAway: outages > 0 ? forecastsAway : null,
      // A step, and what a tick may be late at this speed.
      longestGapMs: 1_000 * config.control.stepS + 3_000 * speed,
      away,
      toleranceMs: CLOCK_TOLERANCE_MS * speed,
    });
    const list = JSON.parse(await command("list")) as { changes: readonly { kind: string; version: string; by: string }[] };
    say(
      `  setpoints seen ${watch.seen} (${Object.entries(watch.sources)
        .map(([source, count]) => `${source} ${count}`)
        .join(", ")}), expired ${watch.expired}, backwards ${watch.backwards}, malformed ${watch.malformed}`,
    );
    say(
      `  orders: ${orders.answered} answered, ${orders.unanswered} given while nobody listened${orders.refused.length > 0 ? `, refused: ${orders.refused.join(" | ")}` : ""}`,
    );
    say(
      `  effects in ${effects.decisions} decisions: overrides ${effects.overridden.kept} of ${effects.overridden.due}, limit of demand ${effects.limited.kept} of ${effects.limited.due}, models put in force ${effects.modelled.kept} of ${effects.modelled.due}; people expected in ${effects.holidaySteps.occupied} of ${effects.holidaySteps.seen} steps of the holiday, at a wrong hour in ${effects.dstSteps.wrong} of ${effects.dstSteps.seen} around the change of the clocks; longest gap ${Math.round(effects.longestGapMs / 60_000)} min; forecasts from ${Object.entries(
        effects.forecastProviders,
      )
        .map(([provider, count]) => `${provider} ${count}`)
        .join(", ")}`,
    );
    say(
      `  models: ${list.changes
        .toReversed()
        .map(({ kind, by }) => `${kind} (${by})`)
        .join(", ")}`,
    );
    say(
      `  stores: ${stores.points} points, ${stores.embedded} values embedded, ${stores.influx} in InfluxDB; repeated ${stores.repeated}, missing ${stores.missingInInflux}, only in InfluxDB ${stores.onlyInInflux}, unequal ${stores.unequal}; of every point at least ${(100 * stores.leastShare).toFixed(1)} % of what was measured; ${rest} values went after the daemon's end`,
    );
    say(
      `  records: ${stores.records.decisions} lines of decisions and ${stores.records.alarms} of alarms; missing in InfluxDB ${stores.records.missingInInflux}, decisions only there ${stores.records.onlyInInflux}, unequal ${stores.records.unequal}`,
    );
    say(
      `  devices: ${obedience.minutes} zone minutes, ${obedience.obeyed} under a setpoint in force, ${obedience.afterTheEnd} after its valid_until, ${obedience.unexplained} under setpoints that nobody sent`,
    );
    if (recoveries.length > 0) {
      const backS = recoveries.map((one) => one.backS).sort((a, b) => a - b);
      say(
        `  next setpoint after the end of a trouble: median ${backS[Math.floor(backS.length / 2)]!.toFixed(1)} s, longest ${backS.at(-1)!.toFixed(1)} s of ${backS.length} (limit ${BACK_LIMIT_S} s)`,
      );
    }
    say(
      `  forecasts answered: ${weather.answered}${outages > 0 ? `; InfluxDB had the present ${influxBackS.toFixed(1)} s after it was back` : ""}`,
    );
    // Measurements of the time in which it starts again, or the broker is away, are nobody's.
    const deafShare = ((kills * BACK_LIMIT_S + START_S) * speed * 1_000 + (outages > 0 ? HOUR_MS : 0)) / (days * DAY_MS);
    const leastStored = 0.95 - deafShare;
    const wrong = [
      outages > 0 &&
        !(influxBackS <= INFLUX_BACK_LIMIT_S) &&
        `InfluxDB had the present later than ${INFLUX_BACK_LIMIT_S} s after it was back`,
      recoveries.some(({ backS }) => backS > BACK_LIMIT_S) && `control came back later than ${BACK_LIMIT_S} s after the cause was gone`,
      obedience.afterTheEnd > 0 && "a device held to a setpoint after its valid_until",
      obedience.unexplained > 0 && "a device held to setpoints that nobody sent",
      stores.leastShare < leastStored && `less than ${(100 * leastStored).toFixed(0)} % of what was measured is stored`,
      weather.answered === 0 && "no forecast was asked for",
      watch.expired > 0 && "a setpoint was published after its valid_until",
      watch.backwards > 0 && "a setpoint went back in (epoch, seq)",
      watch.malformed > 0 && "a setpoint was malformed",
      watch.seen === 0 && "no setpoint was published",
      watch.firstMs < of(1) && "a setpoint was published in shadow mode",
      stores.repeated + stores.missingInInflux + stores.onlyInInflux + stores.unequal > 0 && "the stores differ",
      stores.records.missingInInflux + stores.records.onlyInInflux + stores.records.unequal > 0 &&
        "the stores differ in decisions or alarms",
      stores.records.decisions === 0 && "no decision was stored",
      !["promoted", "rolled-back"].every((kind) => list.changes.some((change) => change.kind === kind)) &&
        "a model was not promoted and rolled back",
      orders.unanswered > kills + 1 && `${orders.unanswered} orders were not answered`,
      orders.refused.length > 0 && "an order was refused",
      ...effects.wrong,
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
    for (const server of servers) await endProcess(server.child);
    for (const close of closing) await close();
    if (passed && process.env.ISOTHERM_CAMPAIGN_KEEP === undefined) rmSync(folder, { recursive: true, force: true });
  }
};
