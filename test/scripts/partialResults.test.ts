import { appendFileSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { partialResults } from "../../bench/partialResults.js";

describe("what a long benchmark has measured already", () => {
  const before = process.env.TMPDIR;
  const folder = mkdtempSync(join(tmpdir(), "isotherm-partial-"));
  beforeAll(() => {
    process.env.TMPDIR = folder;
  });
  afterAll(() => {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
    rmSync(folder, { recursive: true, force: true });
  });

  it("is there when it is started again, but for what was cut short, and gone when all is measured", () => {
    const first = partialResults<{ readonly k: number }>("test");
    first.add("a", { k: 1.5 });
    const [file] = readdirSync(folder);
    appendFileSync(join(folder, file!), '\n{"name":"b","val');
    const second = partialResults<{ readonly k: number }>("test");
    expect([second.get("a"), second.get("b")]).toEqual([{ k: 1.5 }, undefined]);
    second.add("b", { k: 2 });
    expect(partialResults<{ readonly k: number }>("test").get("b")).toEqual({ k: 2 });
    expect(partialResults("other").get("a")).toBeUndefined();
    second.remove();
    expect(readdirSync(folder)).toEqual([]);
    expect(partialResults("test").get("a")).toBeUndefined();
  });
});
