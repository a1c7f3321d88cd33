import { execFile, execFileSync, spawnSync } from "node:child_process";
import { existsSync, lstatSync, mkdtempSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { DCLinter } from "dclint";
import { validate } from "dockerfile-utils";
import { afterAll, describe, expect, it } from "vitest";
import { parse } from "yaml";

const root = fileURLToPath(new URL("../../", import.meta.url));
const read = (name: string): string => readFileSync(join(root, name), "utf8");
const unit = read("deploy/isotherm.service");
const scratch = mkdtempSync(join(tmpdir(), "isotherm-deploy-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
const setting = (name: string): string[] => [...unit.matchAll(new RegExp(`^${name}=(.*)$`, "gm"))].map((match) => match[1]!);
const hasSystemd = spawnSync("systemd-analyze", ["--version"]).status === 0;
const isRoot = process.getuid?.() === 0;

describe("the systemd unit", () => {
  it("waits for the daemon to be ready, watches its control loop, and runs the installed program as its own user", () => {
    expect([setting("Type"), setting("NotifyAccess"), setting("Restart"), setting("User")]).toEqual([
      ["notify"],
      ["main"],
      ["on-failure"],
      ["isotherm"],
    ]);
    expect(setting("WatchdogSec")).toEqual(["3min"]);
    expect(setting("ExecStart")).toEqual(["/usr/bin/node /opt/isotherm/dist/src/main.js start --config /etc/isotherm/site.yaml"]);
    // V8 compiles at run time.
    expect(setting("MemoryDenyWriteExecute")).toEqual([]);
  });

  it.skipIf(!hasSystemd)("is judged at 2.5 or better by systemd-analyze security (absent where systemd is)", () => {
    const judged = execFileSync("systemd-analyze", ["security", "--offline=true", "--no-pager", join(root, "deploy/isotherm.service")], {
      encoding: "utf8",
    });
    const level = Number(/Overall exposure level for isotherm\.service: ([\d.]+)/.exec(judged)?.[1]);
    expect(level).toBeGreaterThan(0);
    expect(level).toBeLessThanOrEqual(2.5);
  });
});

describe("the install script", () => {
  const destination = join(scratch, "root");
  const run = (args: readonly string[], env: Readonly<Record<string, string>> = { DESTDIR: destination }) =>
    spawnSync("sh", [join(root, "deploy/install.sh"), ...args], { encoding: "utf8", env: { ...process.env, ...env } });

  it.skipIf(process.platform === "win32")(
    "installs a program that runs, keeps a configuration that is there, and removes what it installed, not data",
    () => {
      const first = run(["--modules", "link"]);
      expect([first.status, first.stderr]).toEqual([0, ""]);
      const { version } = JSON.parse(read("package.json")) as { version: string };
      expect(readlinkSync(join(destination, "opt/isotherm"))).toBe(`isotherm-${version}`);
      expect(
        execFileSync(process.execPath, [join(destination, "opt/isotherm/dist/src/main.js"), "--version"], { encoding: "utf8" }).trim(),
      ).toBe(version);
      const installed = readFileSync(join(destination, "etc/systemd/system/isotherm.service"), "utf8");
      expect(installed).toMatch(/^ExecStart=\/\S+ \/opt\/isotherm\/dist\/src\/main\.js start /m);
      expect(statSync(join(destination, "var/lib/isotherm")).mode & 0o777).toBe(0o700);
      expect(statSync(join(destination, "etc/isotherm")).mode & 0o777).toBe(0o750);

      const site = join(destination, "etc/isotherm/site.yaml");
      writeFileSync(site, "site: mine\n");
      writeFileSync(join(destination, "var/lib/isotherm/isotherm.duckdb"), "data");
      expect(run(["--modules", "link"]).status).toBe(0);
      expect(readFileSync(site, "utf8")).toBe("site: mine\n");
      expect(run(["--uninstall"]).status).toBe(0);
      expect(
        ["opt/isotherm", `opt/isotherm-${version}`, "usr/local/bin/isotherm", "etc/systemd/system/isotherm.service"].filter(
          (name) => lstatSync(join(destination, name), { throwIfNoEntry: false }) !== undefined,
        ),
      ).toEqual([]);
      expect([existsSync(site), existsSync(join(destination, "var/lib/isotherm/isotherm.duckdb"))]).toEqual([true, true]);
    },
  );

  it.skipIf(process.platform === "win32" || isRoot)("refuses to install into the system without being root (not asked as root)", () => {
    expect(run([], { DESTDIR: "" })).toMatchObject({ status: 1, stderr: expect.stringContaining("as root") });
  });

  it.skipIf(process.platform === "win32")("names what it takes for an option that it does not know", () => {
    expect(run(["--now"])).toMatchObject({ status: 2, stderr: expect.stringContaining("--uninstall") });
    expect(run(["--modules", "some"])).toMatchObject({ status: 1, stderr: expect.stringContaining("ci, copy or link") });
  });
});

describe("the container", () => {
  const instructions = read("deploy/Dockerfile")
    .replace(/\\\n/g, " ")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
  const of = (name: string): string[] =>
    instructions.filter((line) => line.startsWith(`${name} `)).map((line) => line.slice(name.length + 1));

  it("pass the linters of Dockerfiles and of compose files", () => {
    expect(validate(read("deploy/Dockerfile"))).toEqual([]);
    // An image that is built here keeps its name and version; the order of keys follows what belongs together.
    const rules = {
      "no-build-and-image": 0,
      "service-keys-order": 0,
      "require-quotes-in-ports": [1, { quoteType: "double" }],
    } satisfies Record<string, unknown>;
    const linter = new DCLinter({ rules, quiet: false, debug: false, exclude: [] });
    expect(
      linter.lintFiles([join(root, "deploy/compose.yaml")], false).flatMap(({ messages }: { messages: unknown[] }) => messages),
    ).toEqual([]);
    const broken = join(scratch, "compose.yaml");
    writeFileSync(broken, "services:\n  a:\n    image: b\n    ports: [8883]\n    nonsense: 1\n");
    expect(linter.lintFiles([broken], false).flatMap(({ messages }: { messages: unknown[] }) => messages)).not.toEqual([]);
    expect(validate("FORM node:20\n")).not.toEqual([]);
  });

  it.each(["http", "https"] as const)("asks over %s whether the daemon is well, and only 200 is well", async (kind) => {
    const request =
      "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=office.example -keyout key.pem -out cert.pem";
    execFileSync("openssl", request.split(" "), { stdio: "ignore", cwd: scratch });
    let status = 200;
    const answer = (asked: IncomingMessage, response: ServerResponse): void => {
      response.writeHead(asked.url === "/healthz" ? status : 404).end();
    };
    const [key, cert] = ["key.pem", "cert.pem"].map((name) => readFileSync(join(scratch, name)));
    const server = kind === "http" ? createServer(answer) : createTlsServer({ key, cert }, answer);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const check = (): Promise<number> =>
      new Promise((resolve) => {
        execFile(process.execPath, [join(root, "deploy/healthcheck.mjs"), "127.0.0.1", String(port)], (error) =>
          resolve(Number(error?.code ?? 0)),
        );
      });
    expect(await check()).toBe(0);
    status = 503;
    expect(await check()).toBe(1);
    await new Promise((resolve) => server.close(resolve));
    expect(await check()).toBe(1);
  });

  it("is built from fixed versions, without install scripts, and without what is not to be in it", () => {
    for (const image of of("FROM")) expect(image).toMatch(/^[\w./-]+:\d+\.\d+[\w.-]*( AS \w+)?$/);
    expect(of("FROM").every((image) => image.startsWith(`node:${20}.`))).toBe(true);
    expect(of("RUN")[0]).toBe("npm ci --ignore-scripts --no-audit --no-fund");
    for (const run of of("RUN")) expect(run).not.toMatch(/curl|wget|sudo/);
    expect(of("ADD")).toEqual([]);
    const ignored = read(".dockerignore").split("\n");
    for (const name of ["**/node_modules", ".git", "var", "deploy/site", "deploy/mosquitto", "**/*.key", "**/*.password"])
      expect(ignored).toContain(name);
  });

  it("runs the program as a user without rights, and says whether it is well", () => {
    expect(of("USER").at(-1)).toMatch(/^[1-9]\d*:[1-9]\d*$/);
    expect(of("ENTRYPOINT")).toEqual(['["node", "/opt/isotherm/dist/src/main.js"]']);
    expect(of("HEALTHCHECK")[0]).toMatch(/"node", "\/opt\/isotherm\/healthcheck\.mjs"/);
    expect(of("COPY")).toContain("deploy/healthcheck.mjs ./");
    expect(of("ENV")).toEqual(["NODE_ENV=production"]);
    expect(
      of("COPY")
        .filter((copy) => copy.startsWith("--from=build"))
        .every((copy) => /^--from=build \/src\/(package\.json|node_modules|dist) \.\//.test(copy)),
    ).toBe(true);
  });

  it("is composed without rights, read-only, with limits, and reachable from this machine only", () => {
    const { services } = parse(read("deploy/compose.yaml")) as { services: Record<string, Record<string, unknown>> };
    const { isotherm, mosquitto } = services;
    for (const service of [isotherm!, mosquitto!]) {
      expect(service).toMatchObject({ cap_drop: ["ALL"], security_opt: ["no-new-privileges:true"], restart: "unless-stopped" });
      expect(service.privileged).toBeUndefined();
      expect(service.mem_limit).toMatch(/^\d+[mg]$/);
      expect(service.image).toMatch(/:\d+\.\d+\.\d+$/);
    }
    expect(isotherm).toMatchObject({
      read_only: true,
      build: { context: "..", dockerfile: "deploy/Dockerfile" },
      ports: ["127.0.0.1:8080:8080"],
    });
    const { version } = JSON.parse(read("package.json")) as { version: string };
    expect(isotherm!.image).toBe(`isotherm:${version}`);
    expect(isotherm!.volumes).toContain("./site:/etc/isotherm:ro");
  });
});
