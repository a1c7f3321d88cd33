import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openPeopleFile } from "#adapters/files/peopleFile";
import type { PeopleRecord } from "#domain/people";

const record: PeopleRecord = {
  users: [{ id: "1", name: "Zoë", role: "admin", disabled: false, passwordHash: "scrypt$1$1$1$a$b", createdMs: 1, generation: 2 }],
  tokens: [{ id: "2", label: "exporter", role: "viewer", secretHash: "ab".repeat(32), createdMs: 1, createdBy: "Zoë", expiresMs: null }],
};

describe("the file of users and tokens", () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "isotherm-people-"));
    file = join(folder, "people.json");
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("is nobody where there is none, keeps what is saved, and is readable by its owner only", async () => {
    const store = openPeopleFile(file);
    expect(await store.load()).toEqual({ users: [], tokens: [] });
    await store.save(record);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(await openPeopleFile(file).load()).toEqual(record);
  });

  it("is refused, and never taken for nobody, where it is damaged, cut short or of another version", async () => {
    const store = openPeopleFile(file);
    await store.save(record);
    const whole = readFileSync(file, "utf8");
    for (const text of ["", "{}", whole.slice(0, 100), whole.replace('"schema":1', '"schema":2'), whole.replace('"admin"', '"owner"')]) {
      writeFileSync(file, text, { mode: 0o600 });
      await expect(store.load()).rejects.toMatchObject({ kind: "configuration", todo: expect.stringContaining("backup") });
    }
  });

  it("is refused where others may read it, and where it is a link", async () => {
    const store = openPeopleFile(file);
    await store.save(record);
    chmodSync(file, 0o644);
    await expect(store.load()).rejects.toMatchObject({ kind: "configuration", todo: expect.stringContaining("chmod 600") });
    chmodSync(file, 0o600);
    const link = join(folder, "link.json");
    symlinkSync(file, link);
    await expect(openPeopleFile(link).load()).rejects.toMatchObject({ kind: "configuration" });
  });
});
