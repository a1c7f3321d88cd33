import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const isGitCheckout = existsSync(join(root, ".git")) && spawnSync("git", ["--version"]).status === 0;

// Each is put together from parts, because this file is searched too.
const notWithin = "(?<![\\w.:/~$}@-])";
const machinePaths = [
  new RegExp(`${notWithin}/(?:${["wor" + "k", "roo" + "t"].join("|")})/[\\w.-]`),
  new RegExp(`${notWithin}/${"tm" + "p"}/[\\w.-]`),
  new RegExp(`${notWithin}/(?:${["hom" + "e", "User" + "s"].join("|")})/[\\w.-]+/`),
  new RegExp(`\\b[A-Z]:\\\\{1,2}${"User" + "s"}\\\\`),
];
const registryHosts = new RegExp(
  [
    "registry[.]npm",
    "registry[.]yarn",
    "npm[.]pkg[.]git",
    "npm" + "mirror",
    "files[.]python" + "hosted",
    "pypi[.]" + "org",
    "deb[.]debian[.]" + "org",
    "proxy[.]golang",
  ].join("|"),
  "i",
);

/** `line: text` of every line of `text` that one of the patterns matches. */
const matches = (text: string, patterns: readonly RegExp[]): string[] =>
  text
    .split("\n")
    .flatMap((line, index) => (patterns.some((pattern) => pattern.test(line)) ? [`${index + 1}: ${line.trim().slice(0, 160)}`] : []));

const trackedTexts = (): { file: string; text: string }[] =>
  execFileSync("git", ["ls-files", "-z"], { cwd: root, encoding: "utf8", maxBuffer: 1 << 26 })
    .split("\0")
    .filter((file) => file !== "" && statSync(join(root, file), { throwIfNoEntry: false })?.isFile())
    .map((file) => ({ file, text: readFileSync(join(root, file), "utf8") }))
    .filter(({ text }) => !text.includes("\0"));

describe("what the patterns find", () => {
  it.each(["wor" + "k", "roo" + "t", "tm" + "p"])("sees a path that begins with /%s/", (folder) => {
    expect(matches(`read "/${folder}/main/file.ts"`, machinePaths)).toHaveLength(1);
    expect(matches(`/${folder}/x`, machinePaths)).toHaveLength(1);
  });
  it("sees home folders and registry hosts, and leaves addresses and relative paths alone", () => {
    expect(matches(`cp /${"hom" + "e"}/someone/file .`, machinePaths)).toHaveLength(1);
    expect(matches(`https://${"registry"}.npmjs.${"org"}/x`, [registryHosts])).toHaveLength(1);
    expect(matches("https://example.org/work/1 ./work/x test/tmp/y", machinePaths)).toEqual([]);
  });
});

describe.skipIf(!isGitCheckout)("tracked files (skipped where there is no git checkout)", () => {
  it("name no folder of the machine they were written on", () => {
    const texts = trackedTexts();
    expect(texts.length).toBeGreaterThan(10);
    expect(texts.flatMap(({ file, text }) => matches(text, machinePaths).map((line) => `${file}:${line}`))).toEqual([]);
  });
  it("name no package registry", () => {
    expect(trackedTexts().flatMap(({ file, text }) => matches(text, [registryHosts]).map((line) => `${file}:${line}`))).toEqual([]);
  });
});

it("package-lock.json names no download address", () => {
  const { packages } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as {
    packages: Record<string, { resolved?: string }>;
  };
  expect(Object.keys(packages).length).toBeGreaterThan(100);
  expect(Object.entries(packages).filter(([, entry]) => entry.resolved !== undefined)).toEqual([]);
});
