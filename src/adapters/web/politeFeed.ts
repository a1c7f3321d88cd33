import type { z } from "zod";
import { type FeedMemory, loadMemory, saveMemory } from "#adapters/web/feedMemory";

/** What became of one answer: rows to keep from now on, or why it is not believed. */
export type FeedReading<Row> =
  | { readonly ok: true; readonly rows: readonly Row[]; readonly notes: readonly string[] }
  | { readonly ok: false; readonly problem: string };

export interface PoliteFeedOptions<Row> {
  /** The address of the next request, its key included where that stands there. */
  readonly url: () => string;
  /** What people may see of it. */
  readonly name: string;
  /** Sent with every request; a key among them is sent to no other host. */
  readonly headers: Readonly<Record<string, string>>;
  readonly holdsKey: boolean;
  /** Of address and reading: answers kept by another one are forgotten. */
  readonly fingerprint: string;
  readonly memoryFile: string;
  readonly row: z.ZodType<Row>;
  /** `kept`: the rows so far. */
  readonly read: (text: string, kept: readonly Row[]) => FeedReading<Row>;
  readonly refreshMs: number;
  readonly timeoutMs: number;
  readonly requestsPerDay: number;
  readonly onError: (error: unknown) => void;
  /** Ends a request that is under way. */
  readonly signal: AbortSignal;
  readonly wallMs?: () => number;
  /** Uniform on [0, 1): spreads retries of many sites. */
  readonly random?: () => number;
  readonly fetch?: typeof fetch;
}

export interface PoliteFeed<Row> {
  readonly name: string;
  /** What was good once stays while something newer cannot be read. */
  readonly rows: readonly Row[];
  /** Why nothing newer could be read; null: all is well. */
  readonly trouble: string | null;
  /** What was left out of the newest reading. */
  readonly notes: readonly string[];
  /** When it was read last, by the clock on the wall (Unix ms); null: never. */
  readonly readMs: number | null;
  /** Requests in a row that failed, counted across restarts. */
  readonly failures: number;
  /** Looks for something newer where it is time to. Never rejects, never runs twice at once. */
  refresh(): Promise<void>;
}

const MAX_BYTES = 8 * 1024 * 1024;
const FIRST_RETRY_MS = 60_000;
const LONGEST_RETRY_MS = 3_600_000;
const DAY_MS = 86_400_000;

/** What went wrong with a request, and how long the server asked to be left alone. */
class FeedFailure extends Error {
  readonly waitMs: number;
  constructor(message: string, waitMs = 0) {
    super(message);
    this.waitMs = waitMs;
  }
}

/** Milliseconds that a Retry-After header asks for, at most a day; 0 where it says nothing usable. */
export const retryAfterMs = (header: string | null, nowMs: number): number => {
  if (header === null) return 0;
  const wait = /^\d+$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - nowMs;
  return Number.isFinite(wait) ? Math.min(DAY_MS, Math.max(0, wait)) : 0;
};

const bodyOf = async (response: Response): Promise<string> => {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  if (response.body !== null)
    for await (const part of response.body as AsyncIterable<Uint8Array>) {
      bytes += part.length;
      if (bytes > MAX_BYTES) throw new FeedFailure(`the answer is longer than ${MAX_BYTES} bytes`);
      parts.push(part);
    }
  return Buffer.concat(parts).toString("utf8");
};

/**
 * Rows from an address on the web. A request goes out at most every `refreshMs` and `requestsPerDay` times a UTC day, counted across restarts; it asks for changes only (ETag,
 * Last-Modified), ends after `timeoutMs`, and after a failure waits 1, 2, 4 … 60 min (a little more, by chance) or as long as Retry-After says. Rows are kept on disk with the time at which they were read.
 */
export const createPoliteFeed = async <Row>(options: PoliteFeedOptions<Row>): Promise<PoliteFeed<Row>> => {
  const { read, refreshMs, timeoutMs, requestsPerDay, memoryFile } = options;
  const wallMs = options.wallMs ?? Date.now;
  const random = options.random ?? Math.random;
  const send = options.fetch ?? fetch;
  let memory: FeedMemory<Row> = await loadMemory(memoryFile, options.fingerprint, options.row);
  let trouble: string | null = null;
  let notes: readonly string[] = [];
  let running: Promise<void> | null = null;

  const keep = async (change: Partial<FeedMemory<Row>>): Promise<void> => {
    memory = { ...memory, ...change };
    // A disk that is full costs a restart its memory, not the site what is known.
    await saveMemory(memoryFile, memory).catch(options.onError);
  };

  const request = async (nowMs: number): Promise<void> => {
    const timeout = AbortSignal.timeout(timeoutMs);
    let response: Response;
    let text: string;
    try {
      response = await send(options.url(), {
        signal: AbortSignal.any([timeout, options.signal]),
        redirect: options.holdsKey ? "error" : "follow",
        headers: {
          accept: "application/json, text/csv;q=0.9, */*;q=0.1",
          "user-agent": "isotherm",
          ...(memory.etag === null ? {} : { "if-none-match": memory.etag }),
          ...(memory.lastModified === null ? {} : { "if-modified-since": memory.lastModified }),
          ...options.headers,
        },
      });
      text = response.status === 200 ? await bodyOf(response) : "";
      if (response.status !== 200) await response.body?.cancel();
    } catch (error) {
      if (error instanceof FeedFailure) throw error;
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : "";
      throw new FeedFailure(
        timeout.aborted ? `no answer within ${timeoutMs / 1000} s` : `it cannot be reached${cause === "" ? "" : ` (${cause})`}`,
      );
    }
    if (response.status === 304) {
      notes = [];
      return;
    }
    if (response.status !== 200) {
      const denied = response.status === 401 || response.status === 403;
      throw new FeedFailure(
        `it answers ${response.status}${denied ? ", the key may be wrong" : ""}`,
        Math.max(denied ? LONGEST_RETRY_MS : 0, retryAfterMs(response.headers.get("retry-after"), nowMs)),
      );
    }
    const result = read(text, memory.rows);
    if (!result.ok) throw new FeedFailure(result.problem);
    memory = {
      ...memory,
      rows: result.rows,
      etag: response.headers.get("etag"),
      lastModified: response.headers.get("last-modified"),
    };
    notes = result.notes;
  };

  const look = async (): Promise<void> => {
    if (options.signal.aborted) return;
    const nowMs = wallMs();
    // A clock that was set back must not silence the feed for as long.
    const ahead = memory.notBeforeMs - nowMs;
    if (ahead > 0 && ahead <= Math.max(DAY_MS, refreshMs)) return;
    const day = new Date(nowMs).toISOString().slice(0, 10);
    const requests = day === memory.day ? memory.requests : 0;
    if (requests >= requestsPerDay) {
      trouble = `the day's ${requestsPerDay} requests are spent`;
      return;
    }
    // Counted before it goes out: a crash must not make it free.
    await keep({ day, requests: requests + 1, notBeforeMs: nowMs + FIRST_RETRY_MS });
    try {
      await request(nowMs);
      trouble = null;
      await keep({ failures: 0, readMs: wallMs(), notBeforeMs: nowMs + refreshMs });
    } catch (error) {
      if (!(error instanceof FeedFailure)) options.onError(error);
      trouble = error instanceof FeedFailure ? error.message : "it could not be read; see the log";
      const waited = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(memory.failures, 10)) * (1 + 0.2 * random());
      const waitMs = Math.max(waited, error instanceof FeedFailure ? error.waitMs : 0);
      await keep({ failures: memory.failures + 1, notBeforeMs: wallMs() + waitMs });
    }
  };
  return {
    name: options.name,
    get rows() {
      return memory.rows;
    },
    get trouble() {
      return trouble;
    },
    get notes() {
      return notes;
    },
    get readMs() {
      return memory.readMs;
    },
    get failures() {
      return memory.failures;
    },
    refresh: () => {
      running ??= look().finally(() => {
        running = null;
      });
      return running;
    },
  };
};
