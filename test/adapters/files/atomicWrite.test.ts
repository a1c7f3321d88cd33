import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { atomicWrite } from "#adapters/files/atomicWrite";

const root = mkdtempSync(join(tmpdir(), "isotherm-atomic-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

test("writes text, bytes and streams of parts, replacing what was there", async () => {
  const file = join(root, "a.json");
  await atomicWrite(file, "first");
  expect(readFileSync(file, "utf8")).toBe("first");
  await atomicWrite(file, Buffer.from([1, 2, 3]));
  expect([...readFileSync(file)]).toEqual([1, 2, 3]);
  await atomicWrite(
    file,
    (async function* () {
      yield "one ";
      yield Buffer.from("two");
    })(),
  );
  expect(readFileSync(file, "utf8")).toBe("one two");
  expect(readdirSync(root)).toEqual(["a.json"]);
});

test("keeps the mode it is given: secrets are not readable by others", async () => {
  const file = join(root, "secret");
  await atomicWrite(file, "hush", { mode: 0o600 });
  expect(statSync(file).mode & 0o777).toBe(0o600);
  chmodSync(file, 0o600);
});

test("leaves the old file and no rubbish where the source fails or the target cannot be replaced", async () => {
  const folder = join(root, "fails");
  mkdirSync(folder);
  const file = join(folder, "model.json");
  writeFileSync(file, "old");
  const source = (async function* () {
    yield "new, half";
    throw new Error("broke off");
  })();
  await expect(atomicWrite(file, source)).rejects.toThrow("broke off");
  expect(readFileSync(file, "utf8")).toBe("old");
  mkdirSync(join(folder, "isFolder"));
  await expect(atomicWrite(join(folder, "isFolder"), "x")).rejects.toThrow();
  expect(readdirSync(folder).sort()).toEqual(["isFolder", "model.json"]);
  await expect(atomicWrite(join(folder, "absent", "x"), "x")).rejects.toThrow(/ENOENT/);
  expect(existsSync(join(folder, "absent"))).toBe(false);
});

test("a reader never sees a part: many writers at once leave one whole content", async () => {
  const file = join(root, "raced");
  const contents = Array.from({ length: 20 }, (_, k) => String(k).repeat(10_000));
  const writes = Promise.all(contents.map((content) => atomicWrite(file, content)));
  const seen = new Set<string>();
  let done = false;
  void writes.finally(() => {
    done = true;
  });
  while (!done) {
    if (existsSync(file)) seen.add(readFileSync(file, "utf8"));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await writes;
  seen.add(readFileSync(file, "utf8"));
  for (const content of seen) expect(contents).toContain(content);
});
