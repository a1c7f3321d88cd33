import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const cruiser = join(root, "node_modules/dependency-cruiser/bin/dependency-cruise.mjs");

interface CruiseResult {
  readonly summary: {
    readonly totalCruised: number;
    readonly violations: readonly { readonly from: string; readonly rule: { readonly name: string } }[];
  };
  readonly modules: readonly { readonly source: string }[];
}

/** Runs dependency-cruiser with the repository's own rule on `folders` of `cwd`. */
const cruise = (cwd: string, folders: readonly string[]): CruiseResult => {
  const args = [cruiser, "--config", ".dependency-cruiser.cjs", "--output-type", "json", ...folders];
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd, encoding: "utf8", maxBuffer: 1 << 28 });
  if (!stdout.startsWith("{")) throw new Error(`dependency-cruiser failed: ${stderr}`);
  return JSON.parse(stdout) as CruiseResult;
};

/** The folders that `npm run imports` checks. */
const checkedFolders = (): string[] => {
  const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { scripts: { imports: string } };
  const words = scripts.imports.split(" ");
  return words.slice(words.indexOf(".dependency-cruiser.cjs") + 1);
};

const sourcesUnder = (folder: string): string[] =>
  existsSync(join(root, folder))
    ? readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
        .map((name) => `${folder}/${name.replaceAll("\\", "/")}`)
        .filter((name) => name.endsWith(".ts") && !name.includes("/assembly/"))
    : [];

const scratch = mkdtempSync(join(tmpdir(), "isotherm-import-rule-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** A small tree under the repository's rule, package imports and compiler settings, holding just `files`. */
const treeWith = (files: Readonly<Record<string, string>>): string => {
  const folder = mkdtempSync(join(scratch, "tree-"));
  for (const name of [".dependency-cruiser.cjs", "package.json", "tsconfig.json"]) cpSync(join(root, name), join(folder, name));
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
};

const leaf = "export const leaf = 1;\n";
const importing = (specifier: string): string => `import { leaf } from "${specifier}";\nexport const twice = leaf * 2;\n`;

const violations = (files: Readonly<Record<string, string>>): string[] => {
  const folders = [...new Set(Object.keys(files).map((name) => name.split("/")[0] as string))];
  const { summary } = cruise(treeWith(files), folders);
  expect(summary.totalCruised).toBeGreaterThanOrEqual(Object.keys(files).length);
  return summary.violations.map(({ from, rule }) => `${from}: ${rule.name}`);
};

describe("import rule", { timeout: 120_000 }, () => {
  it("holds on the whole tree, and looks at every source file", () => {
    const { summary, modules } = cruise(root, checkedFolders());
    expect(summary.violations).toEqual([]);
    const seen = new Set(modules.map(({ source }) => source));
    const sources = ["src", "controllers", "models", "simulators", "config", "dashboards"].flatMap(sourcesUnder);
    expect(sources.length).toBeGreaterThan(0);
    expect(sources.filter((source) => !seen.has(source))).toEqual([]);
  });

  it("lets every room import the domain, the mathematics and itself", () => {
    expect(
      violations({
        "src/domain/a.ts": leaf,
        "src/math/b.ts": importing("#domain/a"),
        "models/c.ts": importing("#math/b").replaceAll("leaf", "twice").replace("const twice =", "const four ="),
        "models/d.ts": importing("#domain/a"),
        "src/main.ts": importing("#domain/a"),
      }),
    ).toEqual([]);
  });

  it.each([
    ["the domain that imports the mathematics", "src/domain/a.ts", "#math/b", "src/math/b.ts", "domain-imports-nothing-of-ours"],
    ["the domain that imports a room", "src/domain/a.ts", "#models/b", "models/b.ts", "domain-imports-nothing-of-ours"],
    ["the mathematics that imports a room", "src/math/a.ts", "#controllers/b", "controllers/b.ts", "math-imports-domain-only"],
    ["models that import a controller", "models/a.ts", "#controllers/b", "controllers/b.ts", "models-imports-domain-and-math-only"],
    ["controllers that import a model", "controllers/a.ts", "#models/b", "models/b.ts", "controllers-imports-domain-and-math-only"],
    ["simulators that import the configuration", "simulators/a.ts", "#config/b", "config/b.ts", "simulators-imports-domain-and-math-only"],
    ["the configuration that imports an adapter", "config/a.ts", "#adapters/b", "src/adapters/b.ts", "config-imports-domain-and-math-only"],
    [
      "the dashboard that imports an adapter",
      "dashboards/server/a.ts",
      "#adapters/b",
      "src/adapters/b.ts",
      "dashboards-imports-domain-and-math-only",
    ],
    ["an adapter that imports the loop", "src/adapters/a.ts", "#loop/b", "src/loop/b.ts", "adapters-imports-domain-and-math-only"],
    ["the loop that imports a controller", "src/loop/a.ts", "#controllers/b", "controllers/b.ts", "loop-imports-domain-and-math-only"],
    ["a room that imports the command line", "models/a.ts", "#cli/b", "src/cli/b.ts", "nobody-imports-composition-roots"],
    [
      "a room that imports another by a relative path",
      "models/a.ts",
      "../controllers/b.js",
      "controllers/b.ts",
      "models-imports-domain-and-math-only",
    ],
  ])("refuses %s", (_what, from, specifier, to, rule) => {
    expect(violations({ [from]: importing(specifier), [to]: leaf })).toContain(`${from}: ${rule}`);
  });

  it("refuses an import of types only", () => {
    const files = {
      "models/a.ts": 'import type { B } from "#controllers/b";\nexport const a: B = 1;\n',
      "controllers/b.ts": "export type B = number;\n",
    };
    expect(violations(files)).toContain("models/a.ts: models-imports-domain-and-math-only");
  });

  it("refuses modules that import each other, and an import that leads nowhere", () => {
    expect(violations({ "models/a.ts": importing("#models/b"), "models/b.ts": importing("#models/a") })).toContain(
      "models/a.ts: no-circular",
    );
    expect(violations({ "models/a.ts": importing("#models/nowhere") })).toContain("models/a.ts: unresolvable");
  });

  it("ends with a failing exit code on a violation, as CI needs", () => {
    const folder = treeWith({ "models/a.ts": importing("#controllers/b"), "controllers/b.ts": leaf });
    const args = [cruiser, "--config", ".dependency-cruiser.cjs", "models", "controllers"];
    expect(spawnSync(process.execPath, args, { cwd: folder }).status).toBeGreaterThan(0);
    writeFileSync(join(folder, "models/a.ts"), leaf);
    expect(() => execFileSync(process.execPath, args, { cwd: folder, stdio: "pipe" })).not.toThrow();
  });
});
