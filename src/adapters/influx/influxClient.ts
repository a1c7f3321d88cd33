import { X509Certificate } from "node:crypto";
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
export type InfluxFailureKind = "unreachable" | "untrusted" | "unauthorised" | "no-database" | "rejected" | "too-large";

/** What to do about `untrusted`. */
export const untrustedTodo =
  "Name the authority that signed the server's certificate: influx.ca in the site file, --ca for an import. The certificate must bear the name in the address and be in date.";

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

/** What Node says of a certificate that it does not take; anything else is about the network. */
const distrust: Readonly<Record<string, string>> = {
  SELF_SIGNED_CERT_IN_CHAIN: "it comes from an authority that is not trusted",
  UNABLE_TO_GET_ISSUER_CERT: "it comes from an authority that is not trusted",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "it comes from an authority that is not trusted",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "it comes from an authority that is not trusted",
  DEPTH_ZERO_SELF_SIGNED_CERT: "it is signed by itself and not trusted",
  CERT_SIGNATURE_FAILURE: "its signature is not that of the authority",
  CERT_UNTRUSTED: "it comes from an authority that is not trusted",
  CERT_HAS_EXPIRED: "it has expired",
  CERT_NOT_YET_VALID: "it is not valid yet",
  CERT_REVOKED: "it was revoked",
  INVALID_CA: "its authority may not sign certificates",
  INVALID_PURPOSE: "it is not one of a server",
  ERR_TLS_CERT_ALTNAME_INVALID: "it is for another name",
};
const distrustOf = (error: unknown): string | undefined => {
  const code = (error as HttpError | undefined)?.code ?? "";
  return Object.hasOwn(distrust, code) ? `The server's certificate was refused: ${distrust[code]} (${code})` : undefined;
};

function failureOf(error: unknown): InfluxFailure {
  if (error instanceof InfluxFailure) return error;
  const untrusted = distrustOf(error);
  if (untrusted !== undefined) return new InfluxFailure("untrusted", untrusted);
  const message = error instanceof Error ? error.message || ((error as HttpError).code ?? error.name) : String(error);
  const status = (error as HttpError | undefined)?.res?.statusCode;
  if (status === 401 || status === 403) return new InfluxFailure("unauthorised", message);
  if (status === 404 || /database not found/i.test(message)) return new InfluxFailure("no-database", message);
  if (status === 413 || /Request Entity Too Large/i.test(message)) return new InfluxFailure("too-large", message);
  if (status !== undefined && status < 500) return new InfluxFailure("rejected", message);
  return new InfluxFailure("unreachable", message);
}

function checkAuthorities(ca: string, url: URL): void {
  if (url.protocol !== "https:")
    throw configurationError(`${url.origin} is not encrypted: no certificate is looked at there.`, {
      todo: "Write the address with https://, or name no certificate authority.",
    });
  try {
    // TLS itself passes over what it cannot read, and would then trust nobody. Of several the first is looked at.
    new X509Certificate(ca);
  } catch {
    throw configurationError("The certificate authority for InfluxDB cannot be read.", { todo: "Give certificates in PEM format." });
  }
}

/** A client for InfluxDB 1.x. Nothing is sent yet; an address or an authority that cannot be right is refused as a configuration error. */
export async function openInfluxClient(options: InfluxOptions): Promise<InfluxClient> {
  const url = URL.canParse(options.url) ? new URL(options.url) : null;
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:"))
    throw configurationError(`"${options.url}" is not an InfluxDB address.`, { todo: "Write it like http://127.0.0.1:8086." });
  if (url.username !== "" || url.password !== "")
    throw configurationError("The InfluxDB address holds a user or password.", {
      todo: "Give them as username and password, so that they do not show in logs.",
    });
  if (options.ca !== undefined) checkAuthorities(options.ca, url);
  const { InfluxDB } = await import("influx");
  const timeoutMs = options.requestTimeoutMs ?? 10_000;
  const secure = url.protocol === "https:";
  const pooled = { keepAlive: true, maxSockets: 2 };
  // Verified whatever NODE_TLS_REJECT_UNAUTHORIZED says: the password goes out with the first request.
  const trusting = { rejectUnauthorized: true, ...(options.ca === undefined ? {} : { ca: options.ca }) };
  const agent = secure ? new HttpsAgent({ ...pooled, ...trusting }) : new HttpAgent(pooled);
  // Waiting is the replicator's business: the package's own would keep a host switched off, and a timer alive, for up to 10 s.
  const noBackoff = { getDelay: () => 0, next: () => noBackoff, reset: () => noBackoff };
  const influx = new InfluxDB({
    hosts: [
      {
        protocol: secure ? "https" : "http",
        host: url.hostname.replace(/^\[|\]$/g, ""),
        port: Number(url.port || (secure ? 443 : 80)),
        path: url.pathname === "/" ? "" : url.pathname.replace(/\/$/, ""),
        options: { agent, timeout: timeoutMs },
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
