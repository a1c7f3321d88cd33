import { InfluxFailure, openInfluxClient, untrustedTodo } from "#adapters/influx/influxClient";
import { influxOptionsOf } from "#cli/influxOptions";
import type { InfluxConfig } from "#config/siteConfig";
import { IsothermError } from "#domain/errors";

/** What `doctor` says of a site's InfluxDB; `trouble` null where it takes data, or will once its database is made. */
export interface InfluxFinding {
  readonly text: string;
  readonly trouble: string | null;
  readonly todo: string;
}

const CONNECT_MS = 5_000;

const todoOf = (error: unknown): string => {
  if (error instanceof IsothermError) return error.todo;
  const kind = error instanceof InfluxFailure ? error.kind : null;
  if (kind === "unauthorised") return "Check influx.username and influx.password.";
  if (kind === "untrusted") return untrustedTodo;
  return "Start it, or check influx.url. Control does not depend on it.";
};

/** Asks the InfluxDB of a site file for its measurements, over TLS with the authority that the site trusts. */
export const examineInflux = async (influx: InfluxConfig): Promise<InfluxFinding> => {
  const { url, database } = influx;
  const well = (text: string): InfluxFinding => ({ text, trouble: null, todo: "" });
  try {
    const client = await openInfluxClient({ ...influxOptionsOf(influx), requestTimeoutMs: CONNECT_MS });
    try {
      await client.query("SHOW MEASUREMENTS LIMIT 1");
      return well(`${url} database ${database} answers`);
    } finally {
      client.close();
    }
  } catch (error) {
    if (error instanceof InfluxFailure && error.kind === "no-database")
      return well(`${url} answers; the database ${database} will be made`);
    return { text: url, trouble: `${url}: ${error instanceof Error ? error.message : String(error)}`, todo: todoOf(error) };
  }
};
