import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

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
  if (!stdout.startsWith("{")) throw new Error(`dependency-cruiser failed: ${stdout}${stderr}`);
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

const folders = ["src", "controllers", "models", "simulators", "config", "dashboards"];
const rooms = ["domain", "math", "models", "controllers", "simulators", "config", "dashboards", "adapters", "loop", "cli"];
const inSrc = ["domain", "math", "adapters", "loop", "cli"];
const folderOf = (room: string): string => (inSrc.includes(room) ? `src/${room}` : room);
const leaves = Object.fromEntries(rooms.map((room) => [`${folderOf(room)}/leaf.ts`, leaf]));

const allowed: Record<string, string> = {
  "src/math/usesDomain.ts": importing("#domain/leaf"),
  "models/usesDomain.ts": importing("#domain/leaf"),
  "models/usesMath.ts": importing("#math/leaf"),
  "models/usesItself.ts": importing("#models/leaf"),
  "src/cli/usesEverything.ts": importing("#models/leaf"),
  "src/main.ts": importing("#cli/leaf"),
};

const refused = [
  ["the domain that imports the mathematics", "src/domain/a.ts", "#math/leaf", "domain-imports-nothing-of-ours"],
  ["the domain that imports a room", "src/domain/b.ts", "#models/leaf", "domain-imports-nothing-of-ours"],
  ["the mathematics that imports a room", "src/math/a.ts", "#controllers/leaf", "math-imports-domain-only"],
  ["models that import a controller", "models/a.ts", "#controllers/leaf", "models-imports-domain-and-math-only"],
  ["controllers that import a model", "controllers/a.ts", "#models/leaf", "controllers-imports-domain-and-math-only"],
  ["simulators that import the configuration", "simulators/a.ts", "#config/leaf", "simulators-imports-domain-and-math-only"],
  ["the configuration that imports an adapter", "config/a.ts", "#adapters/leaf", "config-imports-domain-and-math-only"],
  ["the dashboard that imports an adapter", "dashboards/server/a.ts", "#adapters/leaf", "dashboards-imports-domain-and-math-only"],
  ["an adapter that imports the loop", "src/adapters/a.ts", "#loop/leaf", "adapters-imports-domain-and-math-only"],
  ["the loop that imports a controller", "src/loop/a.ts", "#controllers/leaf", "loop-imports-domain-and-math-only"],
  ["a room that imports the command line", "models/b.ts", "#cli/leaf", "nobody-imports-composition-roots"],
  ["a room that imports the main program", "models/c.ts", "../src/main.js", "nobody-imports-composition-roots"],
  ["a room that imports another by a relative path", "models/d.ts", "../controllers/leaf.js", "models-imports-domain-and-math-only"],
  ["modules that import each other", "models/e.ts", "#models/f", "no-circular"],
  ["an import that leads nowhere", "models/g.ts", "#models/nowhere", "unresolvable"],
] as const;
const others = {
  "models/f.ts": importing("#models/e"),
  "models/h.ts": 'import type { B } from "#controllers/types";\nexport const h: B = 1;\n',
  "controllers/types.ts": "export type B = number;\n",
};

describe("import rule", { timeout: 120_000 }, () => {
  it("holds on the whole tree, and looks at every source file", () => {
    const { summary, modules } = cruise(root, checkedFolders());
    expect(summary.violations).toEqual([]);
    const seen = new Set(modules.map(({ source }) => source));
    const sources = folders.flatMap(sourcesUnder);
    expect(sources.length).toBeGreaterThan(0);
    expect(sources.filter((source) => !seen.has(source))).toEqual([]);
  });

  describe("on a tree made to break it", () => {
    let tree = "";
    let broken: string[] = [];
    beforeAll(() => {
      const files = {
        ...leaves,
        ...allowed,
        ...others,
        ...Object.fromEntries(refused.map(([, from, specifier]) => [from, importing(specifier)])),
      };
      tree = treeWith(files);
      const { summary } = cruise(tree, folders);
      expect(summary.totalCruised).toBeGreaterThanOrEqual(Object.keys(files).length);
      broken = summary.violations.map(({ from, rule }) => `${from}: ${rule.name}`);
    }, 120_000);

    it.each(refused)("refuses %s", (_what, from, _specifier, rule) => {
      expect(broken).toContain(`${from}: ${rule}`);
    });
    it("refuses an import of types only", () => {
      expect(broken).toContain("models/h.ts: models-imports-domain-and-math-only");
    });
    it("lets rooms import the domain, the mathematics and themselves, and the command line everything", () => {
      const files = new Set(broken.map((line) => line.split(":")[0] as string));
      expect([...Object.keys(leaves), ...Object.keys(allowed)].filter((file) => files.has(file))).toEqual([]);
    });
    it("ends with a failing exit code, as CI needs", () => {
      const args = [cruiser, "--config", ".dependency-cruiser.cjs", ...folders];
      expect(spawnSync(process.execPath, args, { cwd: tree }).status).toBeGreaterThan(0);
    });
  });
});
