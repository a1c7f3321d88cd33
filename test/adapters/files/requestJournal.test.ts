import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createRequestJournal } from "#adapters/files/requestJournal";
import { fromTaggedJson, toTaggedJson } from "#adapters/files/taggedJson";
import type { PlanRequest } from "#domain/planner";

let directory = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "isotherm-journal-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const atMs = Date.UTC(2026, 0, 5, 23, 45);
const request = {
  nowMs: atMs,
  zones: ["a"],
  localMs: Float64Array.of(1, Number.NaN, Number.NEGATIVE_INFINITY, -0),
  comfort: new Map([["a", { lowerC: Float64Array.of(20.1), upperC: Float64Array.of(0.1 + 0.2), occupied: Uint8Array.of(1, 0) }]]),
  limits: { maxSlewKPerStep: Number.POSITIVE_INFINITY },
  previousPlan: null,
} as unknown as PlanRequest;

describe("what decisions were made from", () => {
  it("comes back exactly: maps, arrays of numbers, missing and infinite values, minus zero", async () => {
    const journal = createRequestJournal(directory);
    await journal.keep("3-120", request);
    const again = await journal.read("3-120", atMs);
    expect(again).toEqual(request);
    expect(Object.is(again!.localMs[3], -0)).toBe(true);
  });

  it("is found by the decision's time, a little later on the next day too", async () => {
    const journal = createRequestJournal(directory);
    await journal.keep("3-120", request);
    expect(await journal.read("3-120", atMs + 20 * 60_000)).not.toBeNull();
    expect(await journal.read("3-121", atMs)).toBeNull();
    expect(await journal.read("3-120", atMs + 10 * 86_400_000)).toBeNull();
  });

  it("takes no id for a path", async () => {
    const journal = createRequestJournal(join(directory, "requests"));
    writeFileSync(join(directory, "secret.json.gz"), "x");
    expect(await journal.read("../../secret", atMs)).toBeNull();
  });

  it("is forgotten by whole days; other files stay", async () => {
    const journal = createRequestJournal(directory);
    await journal.keep("3-120", request);
    writeFileSync(join(directory, "notes.txt"), "mine");
    await journal.forgetBefore(Date.UTC(2026, 0, 5, 23, 59));
    expect(readdirSync(directory).sort()).toEqual(["2026-01-05", "notes.txt"]);
    await journal.forgetBefore(Date.UTC(2026, 0, 6));
    expect(readdirSync(directory)).toEqual(["notes.txt"]);
    await createRequestJournal(join(directory, "absent")).forgetBefore(atMs);
  });

  it("says which file is damaged", async () => {
    const journal = createRequestJournal(directory);
    await journal.keep("3-120", request);
    const file = join(directory, "2026-01-05", "3-120.json.gz");
    writeFileSync(file, "no gzip");
    await expect(journal.read("3-120", atMs)).rejects.toMatchObject({ message: expect.stringMatching(/cannot be read/), place: { file } });
  });
});

describe("JSON with tags", () => {
  it("leaves plain JSON as it is, keys that begin with $ among others too", () => {
    const plain = { a: [1, "x", null, true], b: { $f64: "x", other: 1 } };
    expect(fromTaggedJson(toTaggedJson(plain))).toEqual(plain);
  });

  it("refuses an array that ends in the middle of a number", () => {
    expect(() => fromTaggedJson('{"$f64":"AAAA"}')).toThrow(/ends in the middle/);
  });
});
