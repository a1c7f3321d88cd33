import { type DestinationStream, type Logger, type LoggerOptions, pino } from "pino";
import type { LogLevel } from "#config/siteConfig";

/** Keys under which secrets travel: never written, at the top of an entry and up to two levels down. */
const SECRET_KEYS = ["password", "token", "secret", "key", "csrfToken", "authorization", "cookie", "credentials"] as const;
const CENSORED = "[redacted]";

/** User and password in an address, and bearer tokens, as they come in messages of libraries. */
const masked = (text: string): string =>
  text.replace(/([a-z][a-z0-9+.-]*:\/\/)[^\s/@]+@/gi, `$1${CENSORED}@`).replace(/\bBearer\s+[\w.~+/-]+=*/gi, `Bearer ${CENSORED}`);

/** Every string of a serialised error, however deep. */
const maskedDeep = (value: unknown, depth = 0): unknown => {
  if (typeof value === "string") return masked(value);
  if (depth > 4 || typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((one) => maskedDeep(one, depth + 1));
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, maskedDeep(one, depth + 1)]));
};

/** What every logger of the daemon has in common: no secret is written, whoever logs an object that holds one. */
export const logOptions = (level: LogLevel): LoggerOptions => ({
  level,
  base: null,
  redact: { paths: SECRET_KEYS.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), censor: CENSORED },
  serializers: { err: (error: Error) => maskedDeep(pino.stdSerializers.err(error)) },
  hooks: {
    logMethod(args, method) {
      const [first, second] = args as unknown as [unknown, unknown];
      const error = first instanceof Error ? first : (first as { err?: unknown } | null)?.err;
      // Without a message of its own an entry gets the error's.
      const whole = second === undefined && error instanceof Error ? [first, error.message] : [...args];
      method.apply(this, whole.map((one) => (typeof one === "string" ? masked(one) : one)) as Parameters<typeof method>);
    },
  },
});

/** The daemon's log on standard error: readable lines on a terminal, JSON lines elsewhere. Standard output is left to what a person who starts it reads. */
export const createLogger = async (level: LogLevel, destination?: DestinationStream): Promise<Logger> => {
  if (destination !== undefined || process.stderr.isTTY !== true)
    return pino(
      { ...logOptions(level), timestamp: pino.stdTimeFunctions.isoTime },
      destination ?? pino.destination({ dest: 2, sync: true }),
    );
  const { default: pretty } = await import("pino-pretty");
  return pino(
    logOptions(level),
    pretty({ destination: 2, sync: true, translateTime: "SYS:HH:MM:ss", ignore: "pid,hostname", singleLine: true }),
  );
};
