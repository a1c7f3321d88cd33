import type { Ground } from "#cli/daemon/ground";
import type { Knowledge } from "#cli/daemon/knowledge";
import type { Traffic } from "#cli/daemon/traffic";
import type { DaemonStatus } from "#dashboards/server/daemonStatus";
import type { Decision } from "#domain/plan";
import { zonePoint } from "#domain/points";

/** Figures for Prometheus; names and labels are in docs/deploy.md and stay as they are. */
export interface Metrics {
  decided(decision: Decision): void;
  /** A control tick began so long after its time, real s. */
  ticked(latenessS: number): void;
  /** The text that Prometheus reads. */
  render(): Promise<{ readonly contentType: string; readonly text: string }>;
  /** The same as data, to be put beside that of other sites. */
  rendered(): Promise<readonly object[]>;
}

export const createMetrics = async (
  ground: Ground,
  { alarms, writer, link, supervisor, telemetry }: Traffic,
  knowledge: Knowledge,
  status: () => DaemonStatus,
  isLate: () => boolean,
): Promise<Metrics> => {
  const { Registry, Counter, Gauge, Histogram, collectDefaultMetrics } = await import("prom-client");
  const registry = new Registry();
  registry.setDefaultLabels({ site: ground.run.config.site.id });
  // Of a process with several sites the daemon tells once.
  if (ground.run.host === undefined) collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const gauge = (name: string, help: string, collect: () => number | null): void => {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        const value = collect();
        // What nobody knows is absent, not 0.
        if (value === null || !Number.isFinite(value)) this.remove();
        else this.set(value);
      },
    });
  };
  const labelled = (name: string, help: string, label: string, collect: () => Iterable<readonly [string, number]>): void => {
    new Gauge({
      name,
      help,
      registers,
      labelNames: [label],
      collect() {
        this.reset();
        for (const [of, value] of collect()) if (Number.isFinite(value)) this.set({ [label]: of }, value);
      },
    });
  };
  const decisions = new Counter({
    name: "isotherm_decisions_total",
    help: "Decisions, by who made them",
    labelNames: ["source"],
    registers,
  });
  const solve = new Histogram({
    name: "isotherm_decision_seconds",
    help: "Computing time of plans",
    buckets: [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60],
    registers,
  });
  const lateness = new Histogram({
    name: "isotherm_tick_lateness_seconds",
    help: "How long after its time a control tick began",
    buckets: [0.01, 0.05, 0.1, 0.5, 1, 2, 5, 10, 60],
    registers,
  });
  new Gauge({ name: "isotherm_info", help: "Version", labelNames: ["version"], registers }).set({ version: ground.run.version }, 1);
  gauge("isotherm_control_late", "1: the control loop does not tick", () => (isLate() ? 1 : 0));
  gauge("isotherm_last_decision_timestamp_seconds", "Site time of the last decision", () => {
    const { lastTickMs } = status();
    return lastTickMs === null ? null : lastTickMs / 1_000;
  });
  gauge("isotherm_broker_connected", "1: connected", () => (link.bus.connected ? 1 : 0));
  gauge("isotherm_store_waiting_points", "Measurements that wait for the store", () => writer.waitingPoints);
  gauge("isotherm_store_lost_points", "Measurements lost since the start because the store could not be written", () => writer.lostPoints);
  gauge("isotherm_influx_backlog_rows", "Rows that InfluxDB has not confirmed, counted to 5000; absent without InfluxDB", () => {
    const { influx } = status();
    return influx.state === "off" ? null : influx.backlogRows;
  });
  gauge("isotherm_model_in_use", "1: a learned model plans", () => (knowledge.rounds?.model == null ? 0 : 1));
  labelled("isotherm_alarms", "Alarms that stand, by level", "level", () =>
    (["info", "warning", "critical"] as const).map((level) => [level, alarms.active().filter((alarm) => alarm.level === level).length]),
  );
  labelled("isotherm_zone_temperature_celsius", "Newest usable temperature", "zone", () => {
    const { values } = telemetry.latest(ground.nowMs());
    return ground.zones.map((zone) => [zone, values.get(zonePoint(zone, "zoneAirTempC")) ?? Number.NaN]);
  });
  for (const side of ["heating", "cooling"] as const)
    labelled(`isotherm_zone_${side}_setpoint_celsius`, "Setpoint in force, as far as isotherm commands the zone", "zone", () =>
      [...supervisor.inForce(ground.nowMs())].map(([zone, pair]) => [zone, pair[`${side}SetpointC`]]),
    );
  labelled("isotherm_source_age_seconds", "Age of what the daemon lives on", "source", () =>
    status().sources.map(({ name, lastSeenMs }) => [name, lastSeenMs === null ? Number.NaN : (ground.nowMs() - lastSeenMs) / 1_000]),
  );
  labelled("isotherm_refused_values", "Values refused since the start, by reason", "reason", () =>
    Object.entries(telemetry.refusedCounts()),
  );
  return {
    decided: ({ source, plan }) => {
      decisions.inc({ source });
      if (plan.diagnostics.numSamples > 0) solve.observe(plan.diagnostics.solveMs / 1_000);
    },
    ticked: (latenessS) => lateness.observe(Math.max(0, latenessS)),
    render: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
    rendered: () => registry.getMetricsAsJSON(),
  };
};
