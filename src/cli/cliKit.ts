import { CommanderError } from "commander";
import { IsothermError, usageError } from "#domain/errors";
import { closestName } from "#math/closestName";

/** What every command is given. */
export interface CommandContext {
  /** Aborts on the first Ctrl-C (or SIGTERM). */
  readonly signal: AbortSignal;
  /** One line on standard error. */
  say(line: string): void;
  /** Progress: one line that overwrites itself on a terminal, nothing elsewhere. */
  progress(line: string): void;
}

/** A command ends this long after Ctrl-C at the latest. */
const LAST_RESORT_MS = 4500;
const INTERRUPTED = 130;

/** The reason an interrupted command ends with. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
}

/**
 * Runs a command's action: errors become one message on standard error and an exit code, Ctrl-C aborts `signal` and ends the process within 5 s (`lastResortMs`).
 * The action may return an exit code of its own.
 */
export async function runCommand(
  action: (context: CommandContext) => Promise<number | undefined> | Promise<void>,
  lastResortMs = LAST_RESORT_MS,
): Promise<void> {
  const abort = new AbortController();
  const terminal = process.stderr.isTTY === true;
  let lineShown = false;
  const clear = (): void => {
    if (lineShown) process.stderr.write("\r\u001b[2K");
    lineShown = false;
  };
  const onSignal = (name: NodeJS.Signals): void => {
    if (abort.signal.aborted) process.exit(INTERRUPTED);
    abort.abort(new Interrupted(name));
    setTimeout(() => process.exit(INTERRUPTED), lastResortMs).unref();
  };
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
  try {
    const code = await action({
      signal: abort.signal,
      say: (line) => {
        clear();
        process.stderr.write(`${line}\n`);
      },
      progress: (line) => {
        if (!terminal) return;
        clear();
        process.stderr.write(line.slice(0, (process.stderr.columns ?? 80) - 1));
        lineShown = true;
      },
    });
    if (typeof code === "number") process.exitCode = code;
  } catch (error) {
    clear();
    process.exitCode = abort.signal.aborted ? INTERRUPTED : reportError(error);
    if (abort.signal.aborted) process.stderr.write("Interrupted.\n");
  } finally {
    clear();
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
  }
}

/** Writes what went wrong to standard error and returns the exit code: an `IsothermError`'s own, 2 for a wrong command line, otherwise 70. */
export function reportError(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof IsothermError) {
    process.stderr.write(`${error.describe()}\n`);
    if (process.env.ISOTHERM_DEBUG) process.stderr.write(`${error.stack}\n`);
    return error.exitCode;
  }
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  process.stderr.write(`A fault of isotherm: ${text.split("\n")[0]}\n  Please report it. ISOTHERM_DEBUG=1 shows where it happened.\n`);
  if (process.env.ISOTHERM_DEBUG && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  return 70;
}

/** The one JSON object on standard output; a number that is not finite becomes null. Resolves when it is written. */
export const printJson = (value: unknown): Promise<void> => printText(`${JSON.stringify(value)}\n`);

/** Text on standard output. A reader that has gone (`| head`) is no error. */
export const printText = (text: string): Promise<void> =>
  new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => {
      if (error && (error as NodeJS.ErrnoException).code !== "EPIPE") reject(error);
      else resolve();
    });
  });

type Parser<T> = (text: string) => T;
const wrong = (option: string, text: string, right: string): IsothermError =>
  usageError(`${option} ${JSON.stringify(text)} is not ${right}`);

/** Whole numbers in a range, e.g. `wholeNumber("--days", 1, 366)`. */
export const wholeNumber =
  (option: string, min: number, max: number = Number.MAX_SAFE_INTEGER): Parser<number> =>
  (text) => {
    const value = Number(text);
    if (!/^[+-]?\d+$/.test(text.trim()) || !Number.isSafeInteger(value) || value < min || value > max)
      throw wrong(
        option,
        text,
        max === Number.MAX_SAFE_INTEGER ? `a whole number of at least ${min}` : `a whole number from ${min} to ${max}`,
      );
    return value;
  };

/** Finite numbers in a range. */
export const finiteNumber =
  (option: string, min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY): Parser<number> =>
  (text) => {
    const value = text.trim() === "" ? Number.NaN : Number(text);
    if (!Number.isFinite(value) || value < min || value > max)
      throw wrong(
        option,
        text,
        Number.isFinite(min) ? `a number${Number.isFinite(max) ? ` from ${min} to ${max}` : ` of at least ${min}`}` : "a number",
      );
    return value;
  };

/** One of a list; a near miss is named. */
export const oneOf =
  <T extends string>(option: string, names: readonly T[]): Parser<T> =>
  (text) => {
    if ((names as readonly string[]).includes(text)) return text as T;
    const near = closestName(text, names);
    throw usageError(
      `${option} ${JSON.stringify(text)} is not known${near === null ? "" : `; did you mean ${near}?`}`,
      `Choose one of ${names.join(", ")}.`,
    );
  };

/** Days of the year, `MM-DD`. 29 February only where the year has it: checked with the year. */
export const monthDay =
  (option: string): Parser<string> =>
  (text) => {
    const match = /^(\d{2})-(\d{2})$/.exec(text);
    const [month, day] = [Number(match?.[1]), Number(match?.[2])];
    const date = new Date(Date.UTC(2000, month - 1, day));
    if (match === null || date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day)
      throw wrong(option, text, "a day of the year such as 01-31");
    return text;
  };

/** A moment in ISO 8601; one without an offset is read as UTC. Milliseconds. */
export const isoTime =
  (option: string): Parser<number> =>
  (text) => {
    const bare = /^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00Z` : /(Z|[+-]\d{2}:?\d{2})$/i.test(text) ? text : `${text}Z`;
    const timeMs = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(bare) : Number.NaN;
    if (!Number.isFinite(timeMs)) throw wrong(option, text, "a time such as 1991-01-31T06:00");
    return timeMs;
  };

const durationUnitsS: Readonly<Record<string, number>> = { s: 1, min: 60, h: 3600, d: 86_400 };
/** Durations such as `90 s`, `15 min`, `2 h`, `7 d`; a bare number counts in `bareUnit`. Seconds. */
export const duration =
  (option: string, bareUnit: "s" | "min" | "h" | "d"): Parser<number> =>
  (text) => {
    const match = /^(\d+(?:\.\d+)?)\s*(s|min|h|d)?$/.exec(text.trim());
    if (match === null || !(Number(match[1]) > 0)) throw wrong(option, text, "a duration such as 90 s, 15 min, 2 h or 7 d");
    return Number(match[1]) * durationUnitsS[match[2] ?? bareUnit]!;
  };

/** Comfort bands `LO:HI`, °C. */
export const comfortBand =
  (option: string): Parser<{ readonly lowerC: number; readonly upperC: number }> =>
  (text) => {
    const match = /^(-?\d+(?:\.\d+)?):(-?\d+(?:\.\d+)?)$/.exec(text);
    const [lowerC, upperC] = [Number(match?.[1]), Number(match?.[2])];
    if (match === null || !(lowerC < upperC) || lowerC < 5 || upperC > 40)
      throw wrong(option, text, "a band such as 20:23.5, lower before upper, within 5 to 40 °C");
    return { lowerC, upperC };
  };
