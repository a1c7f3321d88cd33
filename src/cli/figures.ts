import { printJson, printText, runCommand } from "#cli/cliKit";

export interface FigureContext {
  readonly signal: AbortSignal;
  say(line: string): void;
  /** Fraction done (0–1) and what is being done. */
  progress(fraction: number, text: string): void;
}

/** Plain lines of progress away from a terminal, at most. */
const PLAIN_LINES = 10;

const plain = (value: unknown): string => {
  if (typeof value === "number") return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(5)));
  if (value === null) return "–";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
};

/** Runs a command that reports numbers: with `--json` one object on standard output, otherwise a line per figure. */
export const runForFigures = (options: { readonly json?: boolean }, work: (context: FigureContext) => Promise<object>): Promise<void> =>
  runCommand(async ({ signal, say, progress }) => {
    const terminal = process.stderr.isTTY === true;
    let shown = 0;
    const result = await work({
      signal,
      say,
      progress: (fraction, text) => {
        const line = `${String(Math.floor(100 * fraction)).padStart(3)} % ${text}`;
        if (terminal) progress(line);
        else if (fraction * PLAIN_LINES >= shown + 1) {
          shown = Math.floor(fraction * PLAIN_LINES);
          say(line);
        }
      },
    });
    if (options.json === true) await printJson(result);
    else {
      const width = Math.max(...Object.keys(result).map((key) => key.length));
      await printText(
        Object.entries(result)
          .map(([key, value]) => `${key.padEnd(width)}  ${plain(value)}\n`)
          .join(""),
      );
    }
  });
