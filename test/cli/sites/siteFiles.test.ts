import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { filesIn, readSiteFiles } from "#cli/sites/siteFiles";

const text = (id: string, directory: string): string => `site: { id: ${id}, timeZone: UTC, latitude: 40, longitude: -70 }
building: { embedded: { plant: rc } }
zones: [{ id: space1 }, { id: space2 }, { id: space3 }, { id: space4 }, { id: space5 }]
store: { directory: ${directory} }
mqtt: { embedded: { port: 0 } }
`;

describe("the site files of one daemon", () => {
  let folder = "";
  const file = (name: string, content: string): string => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  };
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "isotherm-sites-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("are every .yaml of a folder, by name; the wrong one is refused by itself", () => {
    file("b.yaml", text("b", "var/b"));
    file("a.yml", text("a", "var/a"));
    file("c.yaml", "site: { id: c }\n");
    file("notes.txt", "none of ours");
    const files = filesIn(folder);
    expect(files.map((path) => path.slice(folder.length + 1))).toEqual(["a.yml", "b.yaml", "c.yaml"]);
    const { sites, refused } = readSiteFiles(files);
    expect(sites.map(({ id }) => id)).toEqual(["a", "b"]);
    expect(refused).toHaveLength(1);
    expect(refused[0]!.error.describe()).toContain("c.yaml");
  });

  it("may not share an id or a data directory; the second is refused and the first named", () => {
    const one = file("one.yaml", text("one", "var/one"));
    const { sites, refused } = readSiteFiles([
      one,
      file("two.yaml", text("one", "var/two")),
      file("three.yaml", text("three", "./var/one")),
    ]);
    expect(sites.map(({ id }) => id)).toEqual(["one"]);
    expect(refused.map(({ error }) => error.message)).toEqual([
      expect.stringContaining(`site.id one is also that of ${one}`),
      expect.stringMatching(/store\.directory .*var\/one is also that of/),
    ]);
    expect(refused.every(({ error }) => error.exitCode === 78)).toBe(true);
  });

  it("must be there", () => {
    expect(() => filesIn(join(folder, "none"))).toThrow(/cannot be read/);
  });
});
