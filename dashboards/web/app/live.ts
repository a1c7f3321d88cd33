import type { LiveEvents, StatusView } from "#dashboards/server/wire";

export type Connection = "connecting" | "live" | "lost";

/** Silence after which the connection counts as lost, ms; the server speaks at least every 3 s. */
const silenceMs = 7_000;
const retryMs = 2_000;

export interface LiveHandlers {
  readonly onStatus: (status: StatusView) => void;
  /** Something that the pages show has changed. */
  readonly onChange: (kind: "telemetry" | "decision" | "alarm" | "reset") => void;
  readonly onConnection: (connection: Connection) => void;
}

/** The live channel: reconnects by itself and says within 10 s when nothing is heard any more. */
export class Live {
  private readonly handlers: LiveHandlers;
  private source: EventSource | null = null;
  private connection: Connection = "connecting";
  private heardAtMs = performance.now();
  private openedAtMs = performance.now();
  private wasLost = false;

  constructor(handlers: LiveHandlers) {
    this.handlers = handlers;
    this.open();
    window.setInterval(() => this.watch(), 1_000);
    window.addEventListener("online", () => this.open());
  }

  /** Seconds since the server was last heard. */
  get silentS(): number {
    return (performance.now() - this.heardAtMs) / 1000;
  }

  private open(): void {
    this.source?.close();
    this.openedAtMs = performance.now();
    const source = new EventSource("api/v1/events");
    this.source = source;
    const listen = <K extends keyof LiveEvents>(name: K, handle: (data: LiveEvents[K]) => void): void => {
      source.addEventListener(name, (event) => {
        this.heard();
        handle(JSON.parse((event as MessageEvent<string>).data) as LiveEvents[K]);
      });
    };
    listen("status", this.handlers.onStatus);
    listen("telemetry", () => this.handlers.onChange("telemetry"));
    listen("decision", () => this.handlers.onChange("decision"));
    listen("alarm", () => this.handlers.onChange("alarm"));
    listen("reset", () => this.handlers.onChange("reset"));
    source.addEventListener("error", () => this.set("lost"));
  }

  private heard(): void {
    this.heardAtMs = performance.now();
    this.set("live");
  }

  private watch(): void {
    const now = performance.now();
    if (now - this.heardAtMs > silenceMs) this.set("lost");
    // The browser retries broken connections by itself; refused and silent ones have to be opened anew.
    const refused = this.source?.readyState === EventSource.CLOSED && now - this.openedAtMs > retryMs;
    const silent = now - this.heardAtMs > silenceMs && now - this.openedAtMs > silenceMs;
    if (refused || silent) this.open();
  }

  private set(connection: Connection): void {
    if (connection === this.connection) return;
    this.connection = connection;
    if (connection === "lost") this.wasLost = true;
    this.handlers.onConnection(connection);
    if (connection === "live" && this.wasLost) {
      this.wasLost = false;
      this.handlers.onChange("reset");
    }
  }
}
