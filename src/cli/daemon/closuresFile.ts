import { z } from "zod";
import { createJsonStateWriter, readJsonState } from "#adapters/files/jsonState";
import type { SiteConfig } from "#config/siteConfig";
import { type Closures, createClosures } from "#loop/closures";

const closureSchema = z.object({
  id: z.string(),
  first: z.iso.date(),
  last: z.iso.date(),
  zones: z.array(z.string()).nullable(),
  by: z.string(),
  reason: z.string(),
});

/** The closed days of before a restart, as they were entered. */
export const readClosuresFile = (file: string, zones: readonly string[], onWarning: (text: string) => void): Closures =>
  createClosures(
    zones,
    readJsonState(file, z.array(closureSchema), [], () =>
      onWarning(`${file} is damaged: closed days that people entered are lost; enter them again on the dashboard's schedule.`),
    ),
  );

/** Keeps the file as the closed days are. Returns the end of it, after the last write. */
export const keepClosuresFile = (file: string, closures: Closures, onError: (error: unknown) => void): (() => Promise<void>) => {
  const writer = createJsonStateWriter(file, onError);
  const stop = closures.onChange((all) => writer.write(all));
  return async () => {
    stop();
    await writer.settled();
  };
};

/** The same site with the closed days that people enter among each zone's holidays: whoever asks for these, now or later, finds them as they are at that moment. */
export const withClosures = (config: SiteConfig, closures: Closures): SiteConfig => ({
  ...config,
  zones: config.zones.map((zone) => {
    const { holidays: own, ...comfort } = zone.comfort;
    return {
      ...zone,
      comfort: {
        ...comfort,
        get holidays() {
          const entered = closures.of(zone.id);
          return entered.length === 0 ? own : [...own, ...entered];
        },
      },
    };
  }),
});
