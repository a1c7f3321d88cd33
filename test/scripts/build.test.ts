import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { buildModule } from "./scriptModules.js";

const repository = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const compilerOptions = {
  target: "ES2023",
  lib: ["ES2023"],
  skipLibCheck: true,
  module: "nodenext",
  rootDir: ".",
  outDir: "dist",
  types: [],
  strict: true,
  incremental: true,
  tsBuildInfoFile: "dist/.tsbuildinfo",
};

let root = "";
let said: string[] = [];
const write = (name: string, text: string): void => {
  mkdirSync(dirname(join(root, name)), { recursive: true });
  writeFileSync(join(root, name), text);
};
const build = (ifStale = false): Promise<boolean> => {
  said = [];
  return buildModule.build({ root, ifStale, say: (text) => said.push(text) });
};
const inDist = (name: string): boolean => existsSync(join(root, "dist", name));

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "isotherm-build-"));
  symlinkSync(join(repository, "node_modules"), join(root, "node_modules"));
  write("package.json", '{ "type": "module" }');
  write("tsconfig.json", JSON.stringify({ compilerOptions, include: ["src/**/*.ts", "models/**/*.ts"], exclude: ["**/assembly/**"] }));
  write("src/main.ts", "export const answer: number = 42;\n");
  write("models/other.ts", "export const other = 1;\n");
  write("models/priors/office.json", "{}");
  write("models/README.md", "About.");
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

describe("build", { timeout: 120_000 }, () => {
  it("compiles the code and copies the data files beside it, not the documents", async () => {
    expect(await build()).toBe(true);
    expect(readFileSync(join(root, "dist/src/main.js"), "utf8")).toContain("42");
    expect(readFileSync(join(root, "dist/models/priors/office.json"), "utf8")).toBe("{}");
    expect(inDist("models/README.md")).toBe(false);
    expect(said.at(-1)).toMatch(/^build: done/);
  });

  it("does nothing when no source changed, even where only times did", async () => {
    await build();
    expect(await build(true)).toBe(true);
    expect(said).toEqual([]);
    utimesSync(join(root, "src/main.ts"), new Date(0), new Date(0));
    expect(await build(true)).toBe(true);
    expect(said).toEqual([]);
  });

  it("builds again after an edit, a new data file, a deleted source and a deleted output", async () => {
    await build();
    write("src/main.ts", "export const answer: number = 43;\n");
    await build(true);
    expect(readFileSync(join(root, "dist/src/main.js"), "utf8")).toContain("43");

    write("models/priors/school.json", "[]");
    await build(true);
    expect(inDist("models/priors/school.json")).toBe(true);

    rmSync(join(root, "models/other.ts"));
    rmSync(join(root, "models/priors/office.json"));
    await build(true);
    expect(inDist("models/other.js")).toBe(false);
    expect(inDist("models/priors/office.json")).toBe(false);

    rmSync(join(root, "dist/src/main.js"));
    expect(await build(true)).toBe(true);
    expect(inDist("src/main.js")).toBe(true);
  });

  it("fails on a type error with the compiler's words, and stays stale until it is mended", async () => {
    await build();
    write("src/main.ts", 'export const answer: number = "x";\n');
    let told = "";
    const stderrWrite = process.stderr.write;
    process.stderr.write = (text) => {
      told += text;
      return true;
    };
    try {
      expect(await build(true)).toBe(false);
      expect(await build(true)).toBe(false);
    } finally {
      process.stderr.write = stderrWrite;
    }
    expect(told).toContain("src/main.ts(1,14): error TS2322");
    write("src/main.ts", "export const answer: number = 44;\n");
    expect(await build(true)).toBe(true);
    expect(said.at(-1)).toMatch(/^build: done/);
  });

  it("runs the kernel compiler where there is one, and fails when it wrote nothing", async () => {
    write(
      "scripts/buildWasm.mjs",
      'import { mkdirSync, writeFileSync } from "node:fs"; mkdirSync("dist/src/math", { recursive: true }); writeFileSync("dist/src/math/kernels.wasm", "w");',
    );
    expect(await build()).toBe(true);
    expect(inDist("src/math/kernels.wasm")).toBe(true);
    expect(await build(true)).toBe(true);
    expect(said).toEqual([]);
    write("scripts/buildWasm.mjs", "");
    rmSync(join(root, "dist/src/math/kernels.wasm"));
    const stderrWrite = process.stderr.write;
    process.stderr.write = () => true;
    try {
      expect(await build(true)).toBe(false);
    } finally {
      process.stderr.write = stderrWrite;
    }
  });

  it("lets two builds of one checkout take turns", async () => {
    const script = `import { build } from ${JSON.stringify(join(repository, "scripts/build.mjs"))}; process.exitCode = (await build({ root: ${JSON.stringify(root)}, ifStale: true })) ? 0 : 1;`;
    const children = [1, 2, 3].map(() =>
      spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: ["ignore", "pipe", "inherit"] }),
    );
    const outputs = await Promise.all(
      children.map(async (child) => {
        let output = "";
        child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
          output += chunk;
        });
        const [code] = (await once(child, "close")) as [number];
        return { code, output };
      }),
    );
    expect(outputs.map(({ code }) => code)).toEqual([0, 0, 0]);
    expect(outputs.filter(({ output }) => output.includes("build: done"))).toHaveLength(1);
    expect(inDist("src/main.js")).toBe(true);
    expect(inDist(".buildLock")).toBe(false);
  });
});
