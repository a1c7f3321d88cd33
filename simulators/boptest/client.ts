import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { IsothermError, unavailableError } from "#domain/errors";
import { type HttpReply, httpJson } from "#simulators/boptest/http";

export const defaultBoptestUrl = "http://127.0.0.1:8000";
const startIt =
  'Start BOPTEST ("docker compose up web worker provision" in its checkout) or name another service with BOPTEST_URL, e.g. https://api.boptest.net.';

export interface BoptestClientOptions {
  readonly baseUrl: string;
  /** Aborts whatever is under way. */
  readonly signal?: AbortSignal | undefined;
  /** Longest wait for one answer; initialize simulates its warm-up before it answers. */
  readonly timeoutMs?: { readonly usual?: number; readonly initialize?: number; readonly advance?: number };
  /** First pause before another attempt; doubles each time. */
  readonly retryPauseMs?: number;
  /** Sent as Authorization, for private test cases. */
  readonly apiKey?: string | undefined;
}

/** Metadata of a point; limits only for control inputs that have them. */
export interface BoptestPoint {
  readonly unit: string | null;
  readonly minimum: number | null;
  readonly maximum: number | null;
  readonly description: string;
}
export type BoptestPoints = ReadonlyMap<string, BoptestPoint>;
/** Values by point name, with `time` in seconds since the start of the year. */
export type BoptestValues = ReadonlyMap<string, number>;
export interface BoptestReply<T> {
  readonly payload: T;
  /** Warnings of the service, e.g. that an input was clipped. */
  readonly message: string;
}

const attempts = 4;
const defaultTimeoutMs = { usual: 60_000, initialize: 1_800_000, advance: 300_000 };
const stopTimeoutMs = 3000;
/** Pause between looks at a queued test: doubles up to the longer one. */
const queuePollMs = { first: 20, longest: 1000 };
const queueLimitMs = 300_000;

const envelopeSchema = z.object({ status: z.number(), message: z.string().nullish(), payload: z.unknown() });
const valuesSchema = z.record(z.string(), z.number().nullable()).transform((values): BoptestValues => {
  // A signal without a value is absent, never 0.
  return new Map(Object.entries(values).filter((entry): entry is [string, number] => entry[1] !== null && Number.isFinite(entry[1])));
});
const seriesSchema = z
  .record(z.string(), z.array(z.number().nullable()))
  .refine((series) => series.time !== undefined, "has no time")
  .refine((series) => Object.values(series).every((values) => values.length === series.time!.length), "has series of different lengths")
  .transform(
    (series) =>
      new Map(
        Object.entries(series).map(([name, values]): [string, Float64Array] => [name, Float64Array.from(values, (v) => v ?? Number.NaN)]),
      ),
  );
const limit = z.number().nullish();
const pointsSchema = z
  .record(z.string(), z.object({ Unit: z.string().nullish(), Minimum: limit, Maximum: limit, Description: z.string().nullish() }))
  .transform(
    (points): BoptestPoints =>
      new Map(
        Object.entries(points).map(([name, { Unit, Minimum, Maximum, Description }]): [string, BoptestPoint] => [
          name,
          { unit: Unit ?? null, minimum: Minimum ?? null, maximum: Maximum ?? null, description: Description ?? "" },
        ]),
      ),
  );
const kpisSchema = z.record(z.string(), z.number().nullable());

/**
 * BOPTEST's REST API (ibpsa/project1-boptest, README "RESTful HTTP API" and service/web/server/docs/openapi.yaml), in both of its forms: the web service,
 * where a test is selected and named by its id, and a single test case, whose addresses have no id. Answers are {status, message, payload}. A request that
 * cannot have acted (nobody listens, the gateway is busy) is tried up to 4 times, one that acts the same twice (GET, PUT) also after a broken connection;
 * `advance` never after it may have acted. What fails gets an `IsothermError`: retryable (69) where the service or the test is not there, otherwise permanent.
 */
export class BoptestClient {
  readonly baseUrl: string;
  readonly #options: BoptestClientOptions;
  /** null: a single test case. */
  #testId: string | null = null;

  constructor(options: BoptestClientOptions) {
    this.baseUrl = options.baseUrl.replace(/\/+$/, "");
    this.#options = options;
  }

  get testId(): string | null {
    return this.#testId;
  }

  /** The service's test cases; null where the address serves a single test case. */
  async testCases(): Promise<readonly string[] | null> {
    const reply = await this.#send("GET", "testcases", undefined);
    if (reply.status === 404) return null;
    const parsed = z.array(z.object({ testcaseid: z.string() })).safeParse(this.#json(reply, "GET testcases"));
    if (reply.status !== 200 || !parsed.success) throw this.#strange("GET testcases", reply);
    return parsed.data.map(({ testcaseid }) => testcaseid);
  }

  /** Begins a test and waits until a worker runs it. */
  async select(testCase: string): Promise<void> {
    const what = `POST testcases/${testCase}/select`;
    const reply = await this.#send("POST", `testcases/${encodeURIComponent(testCase)}/select`, {});
    const parsed = z.object({ testid: z.string().min(1) }).safeParse(reply.status === 200 ? this.#json(reply, what) : null);
    if (!parsed.success) throw this.#strange(what, reply);
    this.#testId = parsed.data.testid;
    const beganMs = performance.now();
    for (let pauseMs = queuePollMs.first; ; pauseMs = Math.min(2 * pauseMs, queuePollMs.longest)) {
      const status = await this.#send("GET", this.#path("status"), undefined);
      if (status.status !== 200) throw this.#strange("GET status", status);
      const word = status.text.trim().replace(/^"|"$/g, "");
      if (word === "Running") return;
      if (performance.now() - beganMs > queueLimitMs) {
        await this.stop();
        throw unavailableError(`the test at ${this.baseUrl} is still "${word}" after ${queueLimitMs / 60_000} minutes: no worker is free`, {
          todo: "Stop other tests, or start BOPTEST with more workers (--scale worker=N).",
        });
      }
      await sleep(pauseMs, undefined, { signal: this.#options.signal });
    }
  }

  async name(): Promise<string> {
    return (await this.#call("GET", "name", undefined, z.object({ name: z.string() }))).payload.name;
  }
  async inputs(): Promise<BoptestPoints> {
    return (await this.#call("GET", "inputs", undefined, pointsSchema)).payload;
  }
  async measurements(): Promise<BoptestPoints> {
    return (await this.#call("GET", "measurements", undefined, pointsSchema)).payload;
  }
  async forecastPoints(): Promise<BoptestPoints> {
    return (await this.#call("GET", "forecast_points", undefined, pointsSchema)).payload;
  }
  async step(): Promise<number> {
    return (await this.#call("GET", "step", undefined, z.number())).payload;
  }
  async setStep(stepS: number): Promise<void> {
    await this.#call("PUT", "step", { step: stepS }, z.unknown());
  }
  async setScenario(scenario: Readonly<Record<string, string | number | null>>): Promise<void> {
    await this.#call("PUT", "scenario", scenario, z.unknown());
  }
  async initialize(startTimeS: number, warmupS: number): Promise<BoptestReply<BoptestValues>> {
    return this.#call("PUT", "initialize", { start_time: startTimeS, warmup_period: warmupS }, valuesSchema, "initialize");
  }
  async advance(inputs: Readonly<Record<string, number>>): Promise<BoptestReply<BoptestValues>> {
    return this.#call("POST", "advance", inputs, valuesSchema, "advance");
  }
  async forecast(pointNames: readonly string[], horizonS: number, intervalS: number): Promise<ReadonlyMap<string, Float64Array>> {
    const body = { point_names: pointNames, horizon: horizonS, interval: intervalS };
    return (await this.#call("PUT", "forecast", body, seriesSchema)).payload;
  }
  async results(pointNames: readonly string[], startS: number, endS: number): Promise<ReadonlyMap<string, Float64Array>> {
    const body = { point_names: pointNames, start_time: startS, final_time: endS };
    return (await this.#call("PUT", "results", body, seriesSchema)).payload;
  }
  /** Key figures since initialize, as BOPTEST computes them; null where a test case has no such source. */
  async kpis(): Promise<Readonly<Record<string, number | null>>> {
    return (await this.#call("GET", "kpi", undefined, kpisSchema)).payload;
  }

  /** Frees the worker, even after an abort; a service that no longer answers is left alone. A single test case has nothing to stop. */
  async stop(): Promise<void> {
    if (this.#testId === null) return;
    const path = this.#path("stop");
    this.#testId = null;
    try {
      await httpJson("PUT", this.#url(path), {}, { timeoutMs: stopTimeoutMs, headers: this.#headers() });
    } catch {
      // The service ends idle tests by itself.
    }
  }

  #path(resource: string): string {
    return this.#testId === null ? resource : `${resource}/${encodeURIComponent(this.#testId)}`;
  }
  #url(path: string): URL {
    return new URL(`${this.baseUrl}/${path}`);
  }
  #headers(): Record<string, string> {
    return this.#options.apiKey === undefined ? {} : { authorization: this.#options.apiKey };
  }

  async #call<T>(
    method: "GET" | "PUT" | "POST",
    resource: string,
    body: unknown,
    schema: z.ZodType<T>,
    duration: keyof typeof defaultTimeoutMs = "usual",
  ): Promise<BoptestReply<T>> {
    const what = `${method} ${resource}`;
    const reply = await this.#send(method, this.#path(resource), body, duration);
    const envelope = envelopeSchema.safeParse(this.#json(reply, what));
    if (!envelope.success) throw this.#strange(what, reply);
    const { status, payload } = envelope.data;
    const message = envelope.data.message ?? "";
    if (status !== 200 || reply.status !== 200) {
      throw new IsothermError("permanent", `BOPTEST refused ${what} with status ${status}: ${firstLines(message)}`, {
        exitCode: status >= 500 ? 69 : 70,
        todo: status >= 500 ? "The test case failed to simulate; its log (docker compose logs worker) says more." : "",
      });
    }
    const parsed = schema.safeParse(payload);
    if (!parsed.success) {
      const issue = parsed.error.issues[0]!;
      throw new IsothermError(
        "permanent",
        `BOPTEST's answer to ${what} is not as documented: ${["payload", ...issue.path].join(".")}: ${issue.message}${message === "" ? "" : ` (it says "${firstLines(message)}")`}`,
        { exitCode: 69 },
      );
    }
    return { payload: parsed.data, message };
  }

  async #send(
    method: "GET" | "PUT" | "POST",
    path: string,
    body: unknown,
    duration: keyof typeof defaultTimeoutMs = "usual",
  ): Promise<HttpReply> {
    const { signal, retryPauseMs = 500 } = this.#options;
    const timeoutMs = this.#options.timeoutMs?.[duration] ?? defaultTimeoutMs[duration];
    for (let attempt = 1; ; attempt++) {
      signal?.throwIfAborted();
      let reply: HttpReply | null = null;
      let failure: unknown;
      try {
        reply = await httpJson(method, this.#url(path), body, { timeoutMs, signal, headers: this.#headers() });
      } catch (error) {
        if (signal?.aborted) throw error;
        failure = error;
      }
      if (reply !== null && ![429, 502, 503, 504].includes(reply.status)) return reply;
      const hasNotActed =
        reply === null ? ["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN"].includes(codeOf(failure)) : [429, 503].includes(reply.status);
      const timedOut = failure instanceof DOMException && failure.name === "TimeoutError";
      if (attempt < attempts && (hasNotActed || (method !== "POST" && !timedOut))) {
        await sleep(retryPauseMs * 2 ** (attempt - 1), undefined, { signal });
        continue;
      }
      if (reply !== null) return reply;
      const why = timedOut ? `no answer to ${method} ${path.split("/")[0]} within ${timeoutMs / 1000} s` : describe(failure);
      throw unavailableError(`BOPTEST at ${this.baseUrl} cannot be reached: ${why}`, { todo: startIt, cause: failure });
    }
  }

  #json(reply: HttpReply, what: string): unknown {
    try {
      return JSON.parse(reply.text);
    } catch {
      throw this.#strange(what, reply);
    }
  }

  /** An answer outside the documented form: an unknown test id, a wrong address, another service. */
  #strange(what: string, reply: HttpReply): IsothermError {
    const text = reply.text.trim();
    if (/invalid testid/i.test(text))
      return unavailableError("BOPTEST no longer knows this test", {
        todo: "It ends tests after 15 minutes without a request (BOPTEST_TIMEOUT in its .env); run again.",
      });
    if (reply.status === 401)
      return unavailableError(`BOPTEST refused ${what}: not authorised`, { todo: "Give the key in BOPTEST_API_KEY." });
    return unavailableError(
      `${this.baseUrl} answered ${what} with status ${reply.status} and ${text === "" ? "nothing" : `"${firstLines(text)}"`}, which is not BOPTEST's form`,
      { todo: "Check the address in BOPTEST_URL: it should be the service's, without a path." },
    );
  }
}

const codeOf = (error: unknown): string => (error as { code?: string } | null)?.code ?? "";
/** A refused connection to a name with several addresses is an AggregateError without a message. */
const describe = (error: unknown): string => {
  const message = error instanceof Error ? error.message : String(error);
  return message === "" ? codeOf(error) : message;
};
const firstLines = (text: string): string => {
  const line = text.split("\n")[0]!.trim();
  return line.length > 300 ? `${line.slice(0, 300)}…` : line;
};
