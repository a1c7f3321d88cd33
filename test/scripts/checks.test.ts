import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { backendsRan, recordBackendRan } from "../helpers/backendsRan.js";
import {
  energyplusModule,
  homeAssistantModule,
  lockfileModule,
  type OptionalPart,
  type ProcessResult,
  partsModule,
  pythonModule,
} from "./scriptModules.js";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const readJson = (name: string): unknown => JSON.parse(readFileSync(join(root, name), "utf8"));
const folder = mkdtempSync(join(tmpdir(), "isotherm-checks-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("lockfile check", () => {
  const entry = { version: "1.0.0", integrity: "sha512-abc" };
  const problems = (extra: object, manifest: object = {}): string[] =>
    lockfileModule.lockfileProblems({ lockfileVersion: 3, packages: { "": {}, "node_modules/good": entry, ...extra } }, manifest);

  it("accepts this repository's lockfile (ASVS 15.2.4 dependency confusion: every package by exact version and checksum)", () => {
    expect(lockfileModule.lockfileProblems(readJson("package-lock.json"), readJson("package.json"))).toEqual([]);
  });
  it("accepts known install scripts and refuses new ones", () => {
    expect(problems({ "node_modules/koffi": { ...entry, hasInstallScript: true } })).toEqual([]);
    expect(problems({ "node_modules/new": { ...entry, hasInstallScript: true } })).toEqual([expect.stringContaining("new: runs a script")]);
  });
  it.each([
    "git+ssh://git@host/x.git#abc",
    "file:../x",
    "https://host/x.tgz",
    "http://host/x.tgz",
    "owner/repository#main",
    "github:owner/repository",
  ])("refuses a package from %s, and one that depends on it", (source) => {
    expect(problems({ "node_modules/x": { ...entry, resolved: source } })).toEqual([expect.stringContaining("not the registry")]);
    expect(problems({ "node_modules/x": { ...entry, dependencies: { y: source } } })).toEqual([
      expect.stringContaining("not the registry"),
    ]);
  });
  it("refuses a package without a checksum, an optional one for the main platform too", () => {
    expect(problems({ "node_modules/x": { version: "1.0.0" } })).toEqual(["x: has no integrity checksum"]);
    const biome = { "node_modules/@biomejs/biome": entry };
    const native = { version: "1.0.0", optional: true, cpu: ["x64"] };
    expect(problems({ ...biome, "node_modules/@biomejs/cli-darwin-x64": { ...native, os: ["darwin"] } })).toEqual([]);
    expect(problems({ ...biome, "node_modules/@biomejs/cli-linux-x64": { ...native, os: ["linux"] } })).toHaveLength(1);
  });
  it("refuses versions with a known hole, and takes later ones", () => {
    const version = (text: string): object => ({ "node_modules/aedes": { ...entry, version: text } });
    for (const bad of ["0.51.3", "1.0.9", "1.1.0"])
      expect(problems(version(bad))).toEqual([`aedes: ${bad} has a known hole, 1.1.1 is the first without`]);
    for (const good of ["1.1.1", "1.2.0", "2.0.0"]) expect(problems(version(good))).toEqual([]);
  });
  it("refuses local folders, version ranges and an empty lockfile", () => {
    expect(problems({ "packages/x": entry })).toHaveLength(1);
    expect(problems({}, { dependencies: { a: "^1.0.0" } })).toHaveLength(1);
    expect(problems({}, { dependencies: { a: { b: "1.0.0" } } })).toHaveLength(1);
    expect(lockfileModule.lockfileProblems({ lockfileVersion: 3, packages: { "": {} } }, {})).toEqual(["the lockfile lists no packages"]);
  });
});

describe("software bill of materials (ASVS 15.1.2)", () => {
  it("names every package that is installed with isotherm, with version and checksum, without asking anybody", { timeout: 60_000 }, () => {
    const { status, stdout } = spawnSync(process.execPath, [join(root, "scripts/sbom.mjs")], {
      cwd: root,
      encoding: "utf8",
      maxBuffer: 64e6,
    });
    expect(status).toBe(0);
    const bom = JSON.parse(stdout) as {
      bomFormat: string;
      components: { name: string; version: string; purl: string; scope?: string; hashes?: { alg: string; content: string }[] }[];
    };
    expect(bom.bomFormat).toBe("CycloneDX");
    const { dependencies } = readJson("package.json") as { dependencies: Record<string, string> };
    for (const [name, version] of Object.entries(dependencies)) {
      const found = bom.components.find((one) => one.name === name && one.version === version);
      expect([name, found?.hashes?.[0]?.alg]).toEqual([name, "SHA-512"]);
      expect(found!.purl).toContain(`@${version}`);
    }
    expect(bom.components.length).toBeGreaterThan(Object.keys(dependencies).length);
    expect(bom.components.map(({ name }) => name)).not.toContain("vitest");
  });
});

describe("rollout backends that ran", () => {
  const check = (path: string, ...wanted: string[]): number | null =>
    spawnSync(process.execPath, [join(root, "scripts/checkBackendsRan.mjs"), path, ...wanted]).status;

  it("are recorded once each in the file that CI names, and nowhere otherwise", () => {
    const path = join(folder, "ran.jsonl");
    for (const name of ["wasm", "reference", "wasm"]) recordBackendRan(name, { ISOTHERM_BACKENDS_RAN: path });
    recordBackendRan("blas", {});
    recordBackendRan("blas", { ISOTHERM_BACKENDS_RAN: "" });
    expect(backendsRan(path)).toEqual(["reference", "wasm"]);
  });
  it("must be all that CI asks for", () => {
    const path = join(folder, "asked.jsonl");
    for (const name of ["wasm", "reference"]) recordBackendRan(name, { ISOTHERM_BACKENDS_RAN: path });
    expect(check(path, "reference", "wasm")).toBe(0);
    expect(check(path, "reference", "wasm", "blas")).toBe(1);
    expect(check(join(folder, "absent"), "reference")).toBe(1);
    expect(check(path)).toBe(2);
  });
});

describe("parts that tests need", () => {
  const ok: ProcessResult = { code: 0, output: "", timedOut: false };
  const installable = (names: readonly string[], refused: readonly string[] = []) => {
    const here = new Set<string>();
    const commands: string[] = [];
    const parts: OptionalPart[] = names.map((debian) => ({ name: debian.toUpperCase(), debian, isPresent: () => here.has(debian) }));
    const run = async (_file: string, args: readonly string[]): Promise<ProcessResult> => {
      const words = args.filter((arg) => !arg.startsWith("-") && !arg.startsWith("DPkg"));
      commands.push(words.join(" "));
      if (words[0] === "update") return ok;
      if (words.some((word) => refused.includes(word)))
        return { code: 100, output: `E: Unable to locate package ${refused.join(" ")}`, timedOut: false };
      for (const word of words.slice(1)) here.add(word);
      return ok;
    };
    return { parts, run, commands, here };
  };

  it("are installed together after one update, and only what is missing", async () => {
    const { parts, run, commands, here } = installable(["a", "b", "c"]);
    here.add("b");
    expect(await partsModule.provideParts({ parts, run, whyNot: () => null })).toEqual([]);
    expect(commands).toEqual(["update", "install a c"]);
    commands.length = 0;
    expect(await partsModule.provideParts({ parts, run, whyNot: () => null })).toEqual([]);
    expect(commands).toEqual([]);
  });
  it("are reported with the reason where one cannot be had, and the others are installed all the same", async () => {
    const { parts, run, here } = installable(["a", "b"], ["b"]);
    const missing = await partsModule.provideParts({ parts, run, whyNot: () => null });
    expect(missing).toEqual([{ name: "B", reason: expect.stringContaining("Unable to locate package b") }]);
    expect(here.has("a")).toBe(true);
  });
  it("are only reported where this user may not install", async () => {
    const { parts, run, commands } = installable(["a"]);
    const missing = await partsModule.provideParts({ parts, run, whyNot: () => "installing it needs root" });
    expect(missing).toEqual([{ name: "A", reason: "Debian package a: installing it needs root" }]);
    expect(commands).toEqual([]);
  });
  it("counts an EnergyPlus that was not unpacked to its end as absent", () => {
    expect(energyplusModule.findEnergyplus(folder)).toBeNull();
  });
});

describe("Python packages that tests need", () => {
  /** An environment whose Python is a shell script: `pip install` runs the given lines. */
  const pretended = (name: string, pip: string) => {
    const environment = join(folder, name);
    mkdirSync(join(environment, "bin"), { recursive: true });
    writeFileSync(join(environment, "bin/python"), `#!/bin/sh\ncase "$*" in "-m pip --version") exit 0;; esac\n${pip}\n`, { mode: 0o755 });
    const brought = join(environment, "brought");
    return {
      brought,
      options: {
        environment,
        label: name,
        pythons: { oldest: [3, 11], before: [3, 12] },
        pipArgs: ["some-package==1.0"],
        find: () => (existsSync(brought) ? brought : null),
        limitMs: 20_000,
      },
    };
  };

  it("are installed as wheels without what they depend on, and once", async () => {
    const { brought, options } = pretended("good", `echo "$*" >> "$(dirname "$0")/../log"; touch "$(dirname "$0")/../brought"`);
    expect(await pythonModule.installPackages(options)).toEqual({ found: brought });
    expect(await pythonModule.installPackages(options)).toEqual({ found: brought });
    const lines = readFileSync(join(options.environment, "log"), "utf8").trim().split("\n");
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/--no-deps .*--only-binary :all: some-package==1\.0$/);
  });
  it("are reported with pip's last words where there is no network, and nothing is thrown", async () => {
    const { options } = pretended("offline", "echo 'ERROR: No matching distribution found for some-package==1.0' >&2; exit 1");
    expect(await pythonModule.installPackages(options)).toEqual({
      reason: "pip failed: ERROR: No matching distribution found for some-package==1.0",
    });
  });
  it("are reported where pip brings nothing, takes too long, or there is no Python for them", async () => {
    expect((await pythonModule.installPackages(pretended("empty", "exit 0").options)).reason).toMatch(/is not there$/);
    const slow = { ...pretended("slow", "exec sleep 30").options, limitMs: 1_000 };
    expect((await pythonModule.installPackages(slow)).reason).toBe("pip took too long");
    const none = { ...pretended("none", "exit 0").options, choosePython: async () => null };
    rmSync(none.environment, { recursive: true });
    expect((await pythonModule.installPackages(none)).reason).toMatch(/^no Python from 3\.11 to before 3\.12 with venv was found/);
  });
  it("count a Home Assistant that was not installed to its end, or of other versions, as absent", () => {
    const environment = join(folder, ".venv/homeassistant");
    const mark = join(environment, "isothermRequirements.txt");
    mkdirSync(join(environment, "bin"), { recursive: true });
    writeFileSync(join(environment, "bin/python"), "");
    expect(homeAssistantModule.findHomeAssistant(folder)).toBeNull();
    writeFileSync(mark, "homeassistant==2024.3.2\n");
    expect(homeAssistantModule.findHomeAssistant(folder)).toBeNull();
    writeFileSync(mark, readFileSync(homeAssistantModule.requirementsFile));
    expect(homeAssistantModule.findHomeAssistant(folder)).toBe(join(environment, "bin/python"));
  });
});

describe("hiding koffi", () => {
  const attempt = (name: string): string => `await import("${name}").then(() => "here", (error) => error.code)`;
  const program = `
    import { createRequire } from "node:module"; import { Worker } from "node:worker_threads"; import { once } from "node:events";
    const seen = { mqtt: ${attempt("mqtt")}, koffi: ${attempt("koffi")} };
    try { createRequire(import.meta.url)("koffi"); seen.required = "here"; } catch (error) { seen.required = error.code; }
    [seen.worker] = await once(new Worker(new URL("worker.mjs", import.meta.url)), "message");
    console.log(JSON.stringify(seen));`;
  const run = (args: readonly string[], env: Record<string, string> = {}): unknown => {
    const { stdout, stderr } = spawnSync(process.execPath, [...args, join(folder, "main.mjs")], {
      cwd: root,
      encoding: "utf8",
      env: { ...process.env, ...env },
    });
    expect(stderr).toBe("");
    return JSON.parse(stdout);
  };
  beforeAll(() => {
    symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
    writeFileSync(join(folder, "main.mjs"), program);
    writeFileSync(
      join(folder, "worker.mjs"),
      `import { parentPort } from "node:worker_threads"; parentPort.postMessage(${attempt("koffi")});`,
    );
  });
  const hook = ["--import", "./test/helpers/withoutKoffi.mjs"];

  it("makes it look not installed to import, require and worker threads, and leaves other packages alone", () => {
    expect(run(hook)).toEqual({
      mqtt: "here",
      koffi: "ERR_MODULE_NOT_FOUND",
      required: "MODULE_NOT_FOUND",
      worker: "ERR_MODULE_NOT_FOUND",
    });
  });
  it("hides other packages when asked", () => {
    expect(run(hook, { ISOTHERM_HIDE_PACKAGES: "mqtt" })).toMatchObject({ mqtt: "ERR_MODULE_NOT_FOUND" });
  });
});
