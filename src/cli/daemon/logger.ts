import { type Logger, pino } from "pino";
import type { LogLevel } from "#config/siteConfig";

/** The daemon's log on standard error: readable lines on a terminal, JSON lines elsewhere. Standard output is left to what a person who starts it reads. */
export const createLogger = async (level: LogLevel): Promise<Logger> => {
  if (process.stderr.isTTY !== true)
    return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination({ dest: 2, sync: true }));
  const { default: pretty } = await import("pino-pretty");
  return pino(
    { level, base: null },
    pretty({ destination: 2, sync: true, translateTime: "SYS:HH:MM:ss", ignore: "pid,hostname", singleLine: true }),
  );
};
