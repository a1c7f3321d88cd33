import { accessSync, constants, existsSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join, resolve } from "node:path";
import { freeBytes } from "#adapters/files/diskSpace";
import { askDaemon } from "#adapters/localSocket/localSocketClient";
import { socketPathOf } from "#adapters/localSocket/socketPath";
import { createMqttBus } from "#adapters/mqtt/mqttBus";
import { openDuckdbStore } from "#adapters/store/duckdbStore";
import { mqttOptionsOf } from "#cli/daemon/broker";
import { examineInflux } from "#cli/daemon/examineInflux";
import { examineInputs } from "#cli/daemon/examineInputs";
import { examineTariff } from "#cli/daemon/examineTariff";
import { FULL_DISK_BYTES, LOW_DISK_BYTES } from "#cli/daemon/watch";
import { loadSiteConfig } from "#config/loadSiteConfig";
import type { SiteConfig } from "#config/siteConfig";
import { availableBackends, findGraphicsAdapter } from "#controllers/rollout/createBackend";
import { IsothermError } from "#domain/errors";
import { createLinearAlgebra } from "#math/createLinearAlgebra";
import { shippedPriorsFolder } from "#models/shippedPriors";
import { findEngine } from "#simulators/energyplus/engine";
import { listBuildings } from "#simulators/energyplus/models";
import { listWeathers } from "#simulators/energyplus/weathers";

export interface Finding {
  readonly check: string;
  readonly state: "ok" | "warning" | "failed";
  readonly text: string;
  /** What to do; empty where all is well. */
  readonly todo: string;
}

const ok = (check: string, text: string): Finding => ({ check, state: "ok", text, todo: "" });
const warning = (check: string, text: string, todo: string): Finding => ({ check, state: "warning", text, todo });
const failed = (check: string, error: unknown, todo = ""): Finding => ({
  check,
  state: "failed",
  text: error instanceof Error ? error.message : String(error),
  todo: error instanceof IsothermError && error.todo !== "" ? error.todo : todo,
});

const CONNECT_MS = 5_000;
/** The clock of a machine without a battery begins at 1970 or at the day it was built. */
const EARLIEST_MS = Date.UTC(2025, 0, 1);
const LATEST_MS = Date.UTC(2100, 0, 1);
const LEAST_NODE = [20, 19] as const;

const isPortFree = (port: number, host: string): Promise<boolean> =>
  new Promise((resolveFree) => {
    const server = createServer();
    server.once("error", () => resolveFree(false));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolveFree(true)));
  });

const checkNode = (): Finding => {
  const [major, minor] = process.versions.node.split(".").map(Number) as [number, number];
  const enough = major > LEAST_NODE[0] || (major === LEAST_NODE[0] && minor >= LEAST_NODE[1]);
  return enough
    ? ok("Node.js", process.versions.node)
    : failed("Node.js", `${process.versions.node} is too old.`, `Install Node.js ${LEAST_NODE.join(".")} or newer.`);
};

const checkClock = (): Finding => {
  const nowMs = Date.now();
  const text = new Date(nowMs).toISOString();
  return nowMs > EARLIEST_MS && nowMs < LATEST_MS
    ? ok("Clock", text)
    : failed("Clock", `The machine's clock says ${text}.`, "Set it, and switch on time synchronisation (NTP).");
};

interface Running {
  readonly pid: number;
  readonly dashboardUrl: string | null;
}

const checkStore = async ({ store: { directory } }: SiteConfig, running: Running | undefined): Promise<Finding> => {
  const check = "Store";
  if (running !== undefined) return ok(check, `${directory}, held by the running daemon (process ${running.pid})`);
  try {
    let there = resolve(directory);
    while (!existsSync(there) && there !== dirname(there)) there = dirname(there);
    accessSync(there, constants.W_OK | constants.X_OK);
    if (!existsSync(join(directory, "isotherm.duckdb"))) return ok(check, `${directory} can be made; there is no store in it yet`);
    const store = await openDuckdbStore(directory, { readOnly: true, onWarning: () => undefined });
    await store.close();
    return ok(check, `${directory} opens whole and can be written`);
  } catch (error) {
    return error instanceof IsothermError
      ? failed(check, error)
      : failed(
          check,
          `${directory} cannot be written.`,
          "Give the user that runs isotherm the right to write there, or name another store.directory.",
        );
  }
};

/** As the daemon's alarm judges it. */
const checkDisk = async ({ store: { directory } }: SiteConfig): Promise<Finding> => {
  const check = "Disk";
  try {
    const bytes = await freeBytes(directory);
    const text = `${(bytes / 1e9).toFixed(1)} GB free for ${directory}`;
    const todo = "Free space, name a larger disk in store.directory, or keep less (store.raw, store.retention).";
    if (bytes < FULL_DISK_BYTES) return { check, state: "failed", text, todo };
    return bytes < LOW_DISK_BYTES ? warning(check, text, todo) : ok(check, text);
  } catch (error) {
    return failed(check, error);
  }
};

const checkBroker = async ({ mqtt }: SiteConfig, running: Running | undefined): Promise<Finding> => {
  const check = "MQTT broker";
  if (mqtt.embedded !== null) {
    const { port } = mqtt.embedded;
    if (running !== undefined) return ok(check, "embedded in the running daemon");
    if (port === 0 || (await isPortFree(port, "127.0.0.1"))) return ok(check, `embedded, port ${port === 0 ? "any" : port} is free`);
    return warning(
      check,
      `Port ${port} is taken; the embedded broker will use the next free one.`,
      "Choose another mqtt.embedded.port, or end what uses it.",
    );
  }
  const troubles: string[] = [];
  const bus = createMqttBus({
    ...mqttOptionsOf(mqtt),
    // Not the daemon's own id: that would throw a running daemon off the broker.
    clientId: `${mqtt.clientId}-doctor-${process.pid}`,
    onWarning: (text) => troubles.push(text),
  });
  try {
    const connected = await new Promise<boolean>((done) => {
      const timer = setTimeout(() => done(false), CONNECT_MS);
      bus.onConnection((is) => {
        if (!is) return;
        clearTimeout(timer);
        done(true);
      });
    });
    return connected
      ? ok(check, `${mqtt.url} answers (MQTT ${bus.protocol})`)
      : failed(
          check,
          troubles.at(-1) ?? `${mqtt.url} does not answer.`,
          "Start the broker, or check mqtt.url, password, certificates and network.",
        );
  } finally {
    await bus.close();
  }
};

const checkDashboard = async ({ dashboard: { host, port } }: SiteConfig, running: Running | undefined): Promise<Finding> => {
  const check = "Dashboard";
  if (running !== undefined) return ok(check, running.dashboardUrl ?? "served by the running daemon");
  if (port === 0 || (await isPortFree(port, host))) return ok(check, `${host} port ${port === 0 ? "any" : port} is free`);
  return warning(
    check,
    `Port ${port} on ${host} is taken or not of this machine; the next free one will be used.`,
    "Choose another dashboard.port.",
  );
};

const checkInflux = async ({ influx }: SiteConfig): Promise<Finding> => {
  if (influx === null) return ok("InfluxDB", "not configured");
  const { text, trouble, todo } = await examineInflux(influx);
  return trouble === null ? ok("InfluxDB", text) : failed("InfluxDB", trouble, todo);
};

const checkGraphics = async (): Promise<Finding> => {
  const check = "Graphics";
  const adapter = await findGraphicsAdapter();
  if (adapter === null) return ok(check, "no adapter; rollouts do without");
  return ok(
    check,
    adapter.isSoftware ? `${adapter.name} computes on the processor; used only where planner.backend is webgpu` : adapter.name,
  );
};

const checkComputing = async ({ planner }: SiteConfig): Promise<readonly Finding[]> => {
  let graphics: Finding;
  try {
    graphics = await checkGraphics();
  } catch (error) {
    // Without it nothing here can be told: `auto` looks for it too.
    return [failed("Graphics", error)];
  }
  const la = await createLinearAlgebra("auto");
  const backends = await availableBackends();
  const missing = planner.backend !== "auto" && !backends.includes(planner.backend);
  return [
    la.name === "blas"
      ? ok("Linear algebra", "BLAS")
      : la.name === "wasm"
        ? warning(
            "Linear algebra",
            "WebAssembly; OpenBLAS is some times faster.",
            "Install it (Debian: libopenblas0-pthread) and the npm package koffi.",
          )
        : warning("Linear algebra", "Plain TypeScript, slow.", "Run `npm run build`, or install OpenBLAS and the npm package koffi."),
    missing
      ? failed("Rollouts", `The backend ${planner.backend} is not there.`, `Choose auto or one of ${backends.join(", ")}.`)
      : ok("Rollouts", `${planner.backend === "auto" ? backends[0] : planner.backend} (there are ${backends.join(", ")})`),
    graphics,
    existsSync(shippedPriorsFolder)
      ? ok("Priors", "shipped ones are there")
      : warning("Priors", "The shipped priors are missing.", "Run `npm run build`."),
  ];
};

/** Only simulation needs it: its absence is no failure. */
const checkEnergyplus = async (): Promise<Finding> => {
  const check = "EnergyPlus";
  try {
    const engine = await findEngine();
    const counts = `${listBuildings(engine).length} buildings, ${listWeathers(engine).length} weather files`;
    return ok(check, `${engine.version} in ${engine.folder} (${engine.source}); ${counts} for \`isotherm simulate --plant energyplus\``);
  } catch (error) {
    if (!(error instanceof IsothermError)) throw error;
    return warning(check, `${error.message}; only \`isotherm simulate --plant energyplus\` needs it.`, error.todo);
  }
};

/** Looks at everything a daemon of this site needs. Exit code: 78 for the configuration, 69 for anything else that failed, else 0; warnings fail nothing. */
export const examine = async (
  file: string,
  signal: AbortSignal,
): Promise<{ readonly findings: readonly Finding[]; readonly exitCode: number }> => {
  const findings: Finding[] = [checkNode(), checkClock()];
  let config: SiteConfig;
  try {
    config = loadSiteConfig(file);
  } catch (error) {
    if (!(error instanceof IsothermError)) throw error;
    findings.push({ check: "Configuration", state: "failed", text: error.describe(), todo: "" });
    return { findings, exitCode: error.exitCode };
  }
  findings.push(ok("Configuration", file), ...config.warnings.map((text) => warning("Configuration", text, "")));
  const running = (await askDaemon(socketPathOf(config.store.directory), "status", {}, { signal, timeoutMs: CONNECT_MS }).catch(
    () => undefined,
  )) as Running | undefined;
  findings.push(
    running === undefined ? ok("Daemon", "none runs on this site") : ok("Daemon", `process ${running.pid} runs on this site`),
    await checkStore(config, running),
    await checkDisk(config),
    await checkBroker(config, running),
    await checkDashboard(config, running),
    await checkInflux(config),
    ...[...(await examineInputs(config, signal)), ...(await examineTariff(config, signal))].map(({ check, text, trouble, todo }) =>
      trouble === null ? ok(check, text) : warning(check, trouble, todo),
    ),
    ...(await checkComputing(config)),
    await checkEnergyplus(),
  );
  return { findings, exitCode: findings.some(({ state }) => state === "failed") ? 69 : 0 };
};
