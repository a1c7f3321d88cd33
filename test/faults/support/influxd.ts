import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";

export const influxdInstalled = spawnSync("influxd", ["version"]).status === 0;

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** What it serves https with: files in PEM format, the name in the certificate, and the text of the authority that signed it. */
export interface InfluxdTls {
  readonly certificate: string;
  readonly key: string;
  readonly name: string;
  readonly ca: string;
}

/** A real InfluxDB 1.x with its own configuration and data in `folder`, on free loopback ports, which a test may kill, stop and start again. */
export class Influxd {
  readonly url: string;
  readonly port: number;
  readonly #config: string;
  readonly #ca: string | undefined;
  #child: ChildProcess | null = null;

  private constructor(port: number, config: string, tls: InfluxdTls | undefined) {
    this.port = port;
    this.url = tls === undefined ? `http://127.0.0.1:${port}` : `https://${tls.name}:${port}`;
    this.#config = config;
    this.#ca = tls?.ca;
  }

  static async start(folder: string, options: { auth?: boolean; tls?: InfluxdTls } = {}): Promise<Influxd> {
    mkdirSync(folder, { recursive: true });
    const [port, rpcPort] = [await freePort(), await freePort()];
    const config = join(folder, "influxdb.conf");
    writeFileSync(
      config,
      `reporting-disabled = true
bind-address = "127.0.0.1:${rpcPort}"
[meta]
  dir = "${join(folder, "meta")}"
[data]
  dir = "${join(folder, "data")}"
  wal-dir = "${join(folder, "wal")}"
[http]
  bind-address = "127.0.0.1:${port}"
  auth-enabled = ${options.auth === true}
  log-enabled = false
${options.tls === undefined ? "" : `  https-enabled = true\n  https-certificate = "${options.tls.certificate}"\n  https-private-key = "${options.tls.key}"\n`}[monitor]
  store-enabled = false
`,
    );
    const server = new Influxd(port, config, options.tls);
    await server.resume();
    return server;
  }

  /** Starts it (again) and waits until it answers. */
  async resume(): Promise<void> {
    const child = spawn("influxd", ["-config", this.#config], { stdio: "ignore" });
    this.#child = child;
    for (let k = 0; k < 600; k++) {
      if (child.exitCode !== null) throw new Error(`influxd ended with ${child.exitCode}`);
      const answers = await this.#ask("GET", new URL(`${this.url}/ping`)).then(
        ({ status }) => status === 204,
        () => false,
      );
      if (answers) return;
      await wait(50);
    }
    throw new Error("influxd does not answer");
  }

  /** Not fetch: it knows no authority but the system's. */
  #ask(method: string, url: URL, headers: Record<string, string> = {}, body = ""): Promise<{ status: number; text: string }> {
    const send = url.protocol === "https:" ? httpsRequest : httpRequest;
    return new Promise((resolve, reject) => {
      const request = send(url, { method, headers, agent: false, ...(this.#ca === undefined ? {} : { ca: this.#ca }) }, (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (part: string) => {
          text += part;
        });
        response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
        response.on("error", reject);
      });
      request.on("error", reject);
      request.end(body);
    });
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await ended;
  }

  /** Half-open: it keeps its connections and accepts new ones, and answers nothing. */
  freeze(): void {
    this.#child!.kill("SIGSTOP");
  }
  thaw(): void {
    this.#child!.kill("SIGCONT");
  }

  /** Rows of an InfluxQL query as objects, times in ms, straight from HTTP. */
  async query(q: string, options: { db?: string; user?: string } = {}): Promise<Record<string, unknown>[]> {
    const url = new URL(`${this.url}/query`);
    url.searchParams.set("q", q);
    url.searchParams.set("epoch", "ms");
    if (options.db !== undefined) url.searchParams.set("db", options.db);
    const headers = options.user === undefined ? {} : { authorization: `Basic ${Buffer.from(options.user).toString("base64")}` };
    const body = JSON.parse((await this.#ask("POST", url, headers)).text) as {
      error?: string;
      results: { error?: string; series?: { name: string; tags?: object; columns: string[]; values: unknown[][] }[] }[];
    };
    const error = body.error ?? body.results[0]?.error;
    if (error !== undefined) throw new Error(error);
    return (body.results[0]?.series ?? []).flatMap((series) =>
      series.values.map((row) => ({
        measurement: series.name,
        ...series.tags,
        ...Object.fromEntries(series.columns.map((column, i) => [column, row[i]])),
      })),
    );
  }

  async write(db: string, lines: string): Promise<void> {
    const { status, text } = await this.#ask("POST", new URL(`${this.url}/write?db=${db}`), {}, lines);
    if (status !== 204) throw new Error(text);
  }
}
