import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { de } from "#dashboards/web/catalogue/de";
import { en, type MessageKey } from "#dashboards/web/catalogue/en";

const root = join(import.meta.dirname, "../../dashboards/web");
const sources = [
  "main.ts",
  ...["app", "pages", "charts"].flatMap((folder) => readdirSync(join(root, folder)).map((name) => join(folder, name))),
].map((name) => [name, readFileSync(join(root, name), "utf8")] as const);
const keys = Object.keys(en) as MessageKey[];
const placeholders = (text: string): string[] => [...text.matchAll(/\{\w+\}/g)].map(([name]) => name).sort();
/** The same word in both languages, or a name. */
const alike = new Set(["Name", "System", "Plan", "InfluxDB", "Broker", "Zone", "Person", "In {currency}", "{peak}: {cost}"]);

describe("the catalogue of texts", () => {
  it("has every text in both languages, none of them empty", () => {
    expect(Object.keys(de).sort()).toEqual([...keys].sort());
    for (const key of keys) for (const text of [en[key], de[key]]) expect([key, text.trim() !== ""]).toEqual([key, true]);
  });

  it("fills in the same things in both", () => {
    for (const key of keys) expect([key, placeholders(de[key])]).toEqual([key, placeholders(en[key])]);
  });

  it("is translated: the German text is another one, but for words that are the same", () => {
    const same = keys.filter((key) => de[key] === en[key] && !alike.has(en[key]));
    expect(same).toEqual([]);
  });

  it("holds no text that no page shows", () => {
    const code = sources.map(([, text]) => text).join("\n");
    const made = [...code.matchAll(/`([a-zA-Z]+\.)\$\{/g)].map((match) => match[1]!);
    expect(keys.filter((key) => !code.includes(`"${key}"`) && !made.some((prefix) => key.startsWith(prefix)))).toEqual([]);
  });

  it("holds every text: pages have no sentence of their own", () => {
    // A capital, then at least two words: what a person reads. Errors that only programmers see are none.
    const own = sources.flatMap(([name, text]) =>
      [...text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "").matchAll(/["`]([A-Z][a-z]+(?: [a-z$]+)+[^"`]*)["`]/g)].map(
        (match) => `${name}: ${match[1]}`,
      ),
    );
    expect(own).toEqual([]);
  });
});
