import { request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { connect } from "node:net";
import { createDashboard, type Dashboard, type DashboardOptions } from "#dashboards/server/createDashboard";
import type { PeopleRecord, PeopleStore } from "#domain/people";
import { type CollectingLog, createCollectingLog } from "../fixtures/collectingLog.js";
import type { Office } from "../fixtures/officeStore.js";

/** Users and tokens for as long as a test lasts. */
export const inMemoryPeople = (record: PeopleRecord = { users: [], tokens: [] }): PeopleStore => {
  let kept = record;
  return {
    load: async () => kept,
    save: async (next) => {
      kept = next;
    },
  };
};

export interface RunningDashboard extends Dashboard {
  readonly log: CollectingLog;
  readonly base: string;
}

export const serve = async (office: Office, options: Partial<DashboardOptions> = {}): Promise<RunningDashboard> => {
  const log = createCollectingLog();
  const dashboard = await createDashboard({
    reader: office.store,
    site: office.site,
    status: () => office.status,
    nowMs: () => office.nowMs,
    people: { store: inMemoryPeople(), audit: office.store },
    port: 0,
    log,
    heartbeatMs: 200,
    ...options,
  });
  return { ...dashboard, log, base: `http://127.0.0.1:${dashboard.port}` };
};

export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A request with any header and an unchanged path, which fetch would not send. */
export const ask = (
  port: number,
  path: string,
  options: { readonly method?: string; readonly headers?: Record<string, string>; readonly body?: string } = {},
): Promise<RawAnswer> =>
  new Promise((resolve, reject) => {
    const outgoing = httpRequest(
      { host: "127.0.0.1", port, path, method: options.method ?? "GET", headers: options.headers ?? {}, agent: false },
      (response) => {
        let body = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => {
          body += chunk;
        });
        response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
      },
    );
    outgoing.on("error", reject);
    outgoing.end(options.body);
  });

export const getBody = async <T>(dashboard: RunningDashboard, path: string): Promise<T> => {
  const answer = await ask(dashboard.port, path);
  if (answer.status !== 200) throw new Error(`${path} answered ${answer.status}: ${answer.body}`);
  return JSON.parse(answer.body) as T;
};

export interface SseEvent {
  readonly id: string;
  readonly name: string;
  readonly data: unknown;
}

/** A server-sent-events client of a few lines, so that ids and names are seen as they are on the wire. */
export const listenToEvents = async (dashboard: RunningDashboard, lastEventId?: string, headers: Record<string, string> = {}) => {
  const controller = new AbortController();
  const response = await fetch(`${dashboard.base}/api/v1/events`, {
    signal: controller.signal,
    headers: { ...headers, ...(lastEventId === undefined ? {} : { "Last-Event-ID": lastEventId }) },
  });
  const events: SseEvent[] = [];
  const waiting = new Set<() => void>();
  const reading = (async () => {
    let text = "";
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
        const fields: Record<string, string> = {};
        for (const line of text.slice(0, end).split("\n")) {
          const colon = line.indexOf(":");
          fields[line.slice(0, colon)] = line.slice(colon + 1).trimStart();
        }
        text = text.slice(end + 2);
        if (fields.data !== undefined) events.push({ id: fields.id ?? "", name: fields.event ?? "message", data: JSON.parse(fields.data) });
      }
      for (const check of waiting) check();
    }
  })().catch(() => undefined);
  return {
    response,
    events,
    /** The server ended the stream, or `close` did. */
    ended: reading,
    /** The first event, from `from` on, that the test accepts. */
    until: (accept: (event: SseEvent) => boolean, from = 0): Promise<SseEvent> =>
      new Promise((resolve) => {
        const check = (): void => {
          const found = events.slice(from).find(accept);
          if (found === undefined) return;
          waiting.delete(check);
          resolve(found);
        };
        waiting.add(check);
        check();
      }),
    close: async (): Promise<void> => {
      controller.abort();
      await reading;
    },
  };
};

/** Sends raw text and collects what comes back until the server closes. */
export const sendRaw = (port: number, text: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(text));
    let answer = "";
    socket.setEncoding("utf8");
    socket.on("data", (chunk: string) => {
      answer += chunk;
    });
    socket.on("close", () => resolve(answer));
    socket.on("error", reject);
  });
