import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** What EnergyPlus itself says of a run in eplusout.err: its severe and fatal errors, each with the lines that go on from it. */
export function severeErrors(outputFolder: string): string[] {
  const file = join(outputFolder, "eplusout.err");
  if (!existsSync(file)) return [];
  const errors: string[] = [];
  let open = false;
  for (const raw of readFileSync(file, "utf8").split(/\r?\n/)) {
    const line = /^\s*\*\*\s*(Severe|Fatal|Warning|~~~)\s*\*\*\s*(.*)$/.exec(raw);
    if (line === null) {
      open = false;
      continue;
    }
    const [, mark, text] = line as unknown as [string, string, string];
    if (mark === "~~~") {
      if (open) errors[errors.length - 1] += ` ${text.trim()}`;
    } else {
      open = mark !== "Warning";
      if (open) errors.push(text.trim());
    }
  }
  // A fatal error mostly says no more than that there were severe ones.
  const telling = errors.filter((text) => !/^Errors? (occurred|found).*(Preceding|terminat)/i.test(text));
  return telling.length > 0 ? telling : errors;
}

/** How many severe errors a message quotes. */
const quoted = 4;
export const quoteErrors = (errors: readonly string[]): string =>
  `${errors.slice(0, quoted).join("; ")}${errors.length > quoted ? ` (and ${errors.length - quoted} more)` : ""}`;
