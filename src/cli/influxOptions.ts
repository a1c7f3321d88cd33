import type { InfluxOptions } from "#adapters/influx/influxClient";
import type { InfluxConfig } from "#config/siteConfig";

/** How to reach a site's InfluxDB, as whoever talks to it wants it: the daemon's replication, `doctor`, `import`. */
export const influxOptionsOf = (influx: InfluxConfig): InfluxOptions => ({
  url: influx.url,
  database: influx.database,
  ...(influx.username === null ? {} : { username: influx.username }),
  ...(influx.password === null ? {} : { password: influx.password.reveal() }),
  ...(influx.ca === null ? {} : { ca: influx.ca }),
  requestTimeoutMs: influx.timeoutMs,
});
