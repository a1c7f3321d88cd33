import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { precisionOf } from "#adapters/influx/encode";
import type { InfluxLine } from "#adapters/influx/wireNames";
import { configurationError } from "#domain/errors";

export interface InfluxOptions {
  /** `http://host:8086` or `https://…`, a path prefix allowed. */
  readonly url: string;
  readonly database: string;
  readonly username?: string;
  readonly password?: string;
  /** Certificate authority in PEM, where the server's is not a public one. */
  readonly ca?: string;
  /** Default 10 000. */
  readonly requestTimeoutMs?: number;
}

/** Why InfluxDB did not take a request: `unreachable` may pass by itself, `rejected` is about what was sent, the others need a person. */
export type InfluxFailureKind = "unreachable" | "unauthorised" | "no-database" | "rejected" | "too-large";

export class InfluxFailure extends Error {
  override readonly name = "InfluxFailure";
  readonly kind: InfluxFailureKind;
  // No cause: the package's error carries the request, and with it the password.
  constructor(kind: InfluxFailureKind, message: string) {
    super(message);
    this.kind = kind;
  }
  /** A 400 about particular points; any other 400 is about the request as a whole and must not cost data. */
  get blamesPoints(): boolean {
    return (
      this.kind === "rejected" &&
      /unable to parse|partial write|field type conflict|invalid (tag|field|number|boolean)|max key size|beyond retention policy/i.test(
        this.message,
      )
    );
  }
}

export interface InfluxClient {
  /** Resolves once InfluxDB has confirmed every line; rejects with an InfluxFailure. Repeating a write changes nothing. */
  write(lines: readonly InfluxLine[]): Promise<void>;
  createDatabase(): Promise<void>;
  /** Rows of an InfluxQL query with `epoch=ms`; values go as bound parameters (`$name`), never into the text. */
  query<T>(influxQl: string, placeholders?: Readonly<Record<string, string | number>>): Promise<readonly T[]>;
  /** Breaks off requests under way. */
  close(): void;
}

interface HttpError {
  readonly res?: { readonly statusCode?: number };
  readonly code?: string;
}

function failureOf(error: unknown): InfluxFailure {
  if (error instanceof InfluxFailure) return error;
  const message = error instanceof Error ? error.message || ((error as HttpError).code ?? error.name) : String(error);
  const status = (error as HttpError | undefined)?.res?.statusCode;
  if (status === 401 || status === 403) return new InfluxFailure("unauthorised", message);
  if (status === 404 || /database not found/i.test(message)) return new InfluxFailure("no-database", message);
  if (status === 413 || /Request Entity Too Large/i.test(message)) return new InfluxFailure("too-large", message);
  if (status !== undefined && status < 500) return new InfluxFailure("rejected", message);
  return new InfluxFailure("unreachable", message);
}

/** A client for InfluxDB 1.x. Nothing is sent yet; a url that cannot be right is refused as a configuration error. */
export async function openInfluxClient(options: InfluxOptions): Promise<InfluxClient> {
  const url = URL.canParse(options.url) ? new URL(options.url) : null;
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:"))
    throw configurationError(`"${options.url}" is not an InfluxDB address.`, { todo: "Write it like http://127.0.0.1:8086." });
  if (url.username !== "" || url.password !== "")
    throw configurationError("The InfluxDB address holds a user or password.", {
      todo: "Give them as username and password, so that they do not show in logs.",
    });
  const { InfluxDB } = await import("influx");
  const timeoutMs = options.requestTimeoutMs ?? 10_000;
  const secure = url.protocol === "https:";
  const agent = secure ? new HttpsAgent({ keepAlive: true, maxSockets: 2 }) : new HttpAgent({ keepAlive: true, maxSockets: 2 });
  // Waiting is the replicator's business: the package's own would keep a host switched off, and a timer alive, for up to 10 s.
  const noBackoff = { getDelay: () => 0, next: () => noBackoff, reset: () => noBackoff };
  const influx = new InfluxDB({
    hosts: [
      {
        protocol: secure ? "https" : "http",
        host: url.hostname.replace(/^\[|\]$/g, ""),
        port: Number(url.port || (secure ? 443 : 80)),
        path: url.pathname === "/" ? "" : url.pathname.replace(/\/$/, ""),
        options: { agent, timeout: timeoutMs, ...(options.ca === undefined ? {} : { ca: options.ca }) },
      },
    ],
    database: options.database,
    ...(options.username === undefined ? {} : { username: options.username, password: options.password ?? "" }),
    pool: { backoff: noBackoff, maxRetries: 0, requestTimeout: timeoutMs },
  });
  const closing = new AbortController();

  /** The package's timeout watches an idle socket only; this one bounds the whole request. */
  async function bounded<T>(request: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    let onClose: (() => void) | undefined;
    const end = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new InfluxFailure("unreachable", `No answer within ${timeoutMs} ms`)), timeoutMs);
      onClose = () => reject(new InfluxFailure("unreachable", "The client was closed"));
      closing.signal.addEventListener("abort", onClose);
      if (closing.signal.aborted) onClose();
    });
    try {
      return await Promise.race([request, end]);
    } catch (error) {
      request.catch(() => undefined);
      throw failureOf(error);
    } finally {
      clearTimeout(timer);
      closing.signal.removeEventListener("abort", onClose!);
    }
  }

  return {
    async write(lines) {
      if (lines.length === 0) return;
      const precision = precisionOf(lines);
      const perUnitMs = precision === "s" ? 1000 : 1;
      // Text, because the package drops the number 0 and InfluxDB would stamp that point with its own time.
      const points = lines.map(({ measurement, tags, fields, timeMs }) => ({
        measurement,
        tags: { ...tags },
        fields: { ...fields },
        timestamp: (timeMs / perUnitMs).toFixed(0),
      }));
      await bounded(influx.writePoints(points, { precision }));
    },
    async createDatabase() {
      await bounded(influx.createDatabase(options.database));
    },
    async query<T>(influxQl: string, placeholders: Readonly<Record<string, string | number>> = {}) {
      const rows = await bounded(influx.query<T>(influxQl, { precision: "ms", placeholders: { ...placeholders } }));
      return [...(rows as unknown as T[])];
    },
    close() {
      closing.abort();
      agent.destroy();
    },
  };
}
