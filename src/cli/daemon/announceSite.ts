import { readFileSync } from "node:fs";
import { atomicWrite } from "#adapters/files/atomicWrite";
import { announceToHomeAssistant } from "#adapters/mqtt/homeAssistant";
import type { DaemonRun } from "#cli/daemon/run";

/** Tells Home Assistant of the building and its zones, and takes back what an earlier run announced and the site no longer has. */
export const announceSite = async (
  { config, version, log }: Pick<DaemonRun, "config" | "version" | "log">,
  file: string,
  bus: Parameters<typeof announceToHomeAssistant>[0],
): Promise<void> => {
  let announcedBefore: readonly string[] = [];
  try {
    announcedBefore = (JSON.parse(readFileSync(file, "utf8")) as unknown[]).filter((topic): topic is string => typeof topic === "string");
  } catch {
    // Nothing was announced yet.
  }
  const { announced } = await announceToHomeAssistant(bus, {
    site: config.site,
    limits: config.control.limits,
    version,
    overrideMinutes: 120,
    announcedBefore,
    onFailed: (topic, error) => log.debug({ topic, err: error }, "discovery was not published"),
  });
  await atomicWrite(file, JSON.stringify(announced));
};
