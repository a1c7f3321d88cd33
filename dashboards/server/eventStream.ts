import { randomBytes } from "node:crypto";
import { createEventBuffer, createSession, type EventBuffer, type Session } from "better-sse";
import type { Request, Response } from "express";
import { ProblemError } from "#dashboards/server/problems";
import { summariseDecision } from "#dashboards/server/views";
import type { LiveEvents, StatusView } from "#dashboards/server/wire";
import type { PointName, TelemetryPoint } from "#domain/points";
import type { StoreReader } from "#domain/store";

/** As it is sent: written once, for all clients and for those that come back. */
interface HeldEvent {
  readonly seq: number;
  readonly text: EventBuffer;
}

interface Client {
  readonly session: Session;
  readonly response: Response;
  /** Asked anew at every heartbeat: who was logged out does not go on watching. */
  readonly isAllowed: () => boolean;
}

/** What a client that comes back may have missed: so many events at most, and so many characters, whatever measurements and names are like. */
const heldEvents = 2000;
const heldCharacters = 1_000_000;
const telemetryFlushMs = 200;
/** A reader that lets this much pile up is cut off; it reconnects and resumes. */
const maxBacklogBytes = 1_000_000;

export interface EventStreamOptions {
  readonly reader: StoreReader;
  readonly status: () => StatusView;
  /** A status event at least this often: pages that hear nothing for longer know that the connection is gone. */
  readonly heartbeatMs: number;
  readonly maxClients: number;
}

/**
 * The live channel: what the store acknowledges goes to every connected page as server-sent events.
 * Ids are `<run>-<seq>`; a client that comes back with Last-Event-ID gets what it missed, or `reset` where that is no longer held.
 */
export class EventStream {
  private readonly options: EventStreamOptions;
  private readonly run = randomBytes(6).toString("hex");
  private readonly clients = new Set<Client>();
  private readonly held: HeldEvent[] = [];
  private heldLength = 0;
  private seq = 0;
  private readonly waitingPoints = new Map<PointName, TelemetryPoint>();
  private flushTimer: NodeJS.Timeout | null = null;
  private readonly heartbeat: NodeJS.Timeout;
  private readonly unsubscribe: () => void;

  constructor(options: EventStreamOptions) {
    this.options = options;
    this.unsubscribe = options.reader.onChange((change) => {
      if (change.kind === "telemetry") this.collect(change.points);
      else if (change.kind === "decision") this.publish("decision", summariseDecision(change.decision));
      else this.publish("alarm", change.alarm);
    });
    this.heartbeat = setInterval(() => this.beat(), options.heartbeatMs);
    this.heartbeat.unref();
  }

  get clientCount(): number {
    return this.clients.size;
  }

  async connect(request: Request, response: Response, isAllowed: () => boolean): Promise<void> {
    if (this.clients.size >= this.options.maxClients) {
      throw new ProblemError(
        503,
        "Too many pages are connected to the live channel.",
        request.path,
        "Close some of them, or ask again later.",
      );
    }
    // Proxies such as nginx would hold events back.
    response.set("X-Accel-Buffering", "no");
    const session = await createSession(request, response, { retry: 2000, keepAlive: null });
    const client: Client = { session, response, isAllowed };
    this.clients.add(client);
    session.once("disconnected", () => this.clients.delete(client));
    this.resume(client, session.lastId);
    this.write(client, this.written("status", this.options.status()));
  }

  close(): void {
    clearInterval(this.heartbeat);
    if (this.flushTimer !== null) clearTimeout(this.flushTimer);
    this.unsubscribe();
    for (const { response } of this.clients) response.end();
    this.clients.clear();
  }

  private beat(): void {
    for (const client of [...this.clients]) {
      if (client.isAllowed()) continue;
      this.clients.delete(client);
      client.response.end();
    }
    this.sendAll(this.written("status", this.options.status()));
  }

  private resume(client: Client, lastId: string): void {
    const match = /^([0-9a-f]{12})-(\d{1,15})$/.exec(lastId);
    if (lastId === "") return;
    const lastSeq = match !== null && match[1] === this.run ? Number(match[2]) : Number.NaN;
    const oldest = this.held[0]?.seq ?? this.seq + 1;
    if (Number.isNaN(lastSeq) || lastSeq > this.seq || lastSeq < oldest - 1) {
      this.write(client, this.written("reset", { reason: "What happened since is no longer held." }));
      return;
    }
    for (const { seq, text } of this.held) if (seq > lastSeq) this.write(client, text);
  }

  /** History is written in large batches, a simulated clock ticks many times a second: pages get the newest value of each point a few times a second. */
  private collect(points: readonly TelemetryPoint[]): void {
    for (const point of points) {
      const waiting = this.waitingPoints.get(point.point);
      if (waiting === undefined || waiting.timeMs <= point.timeMs) this.waitingPoints.set(point.point, point);
    }
    if (this.flushTimer !== null || this.waitingPoints.size === 0) return;
    this.flushTimer = setTimeout(() => {
      this.flushTimer = null;
      this.publish("telemetry", { points: [...this.waitingPoints.values()] });
      this.waitingPoints.clear();
    }, telemetryFlushMs);
    this.flushTimer.unref();
  }

  private publish<K extends keyof LiveEvents>(name: K, data: LiveEvents[K]): void {
    this.seq++;
    const text = this.written(name, data);
    this.held.push({ seq: this.seq, text });
    this.heldLength += text.read().length;
    while (this.held.length > heldEvents || (this.heldLength > heldCharacters && this.held.length > 1))
      this.heldLength -= this.held.shift()!.text.read().length;
    this.sendAll(text);
  }

  /** Status and reset events repeat the newest id: they are not part of what is resumed. */
  private written<K extends keyof LiveEvents>(name: K, data: LiveEvents[K]): EventBuffer {
    return createEventBuffer().push(data, name, `${this.run}-${this.seq}`);
  }

  private sendAll(text: EventBuffer): void {
    for (const client of [...this.clients]) {
      if (client.response.writableLength > maxBacklogBytes) {
        this.clients.delete(client);
        client.response.destroy();
        continue;
      }
      this.write(client, text);
    }
  }

  private write(client: Client, text: EventBuffer): void {
    if (client.session.isConnected) void client.session.batch(text);
  }
}
