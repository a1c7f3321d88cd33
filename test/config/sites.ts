import { readFileSync } from "node:fs";
import { parseSiteConfig } from "#config/loadSiteConfig";
import { SiteConfigError } from "#config/problem";
import type { SiteConfig } from "#config/siteConfig";
import { IsothermError } from "#domain/errors";

export const demoFile = "config/sites/demo.yaml";
export const demoText = readFileSync(demoFile, "utf8");
export const exampleFile = "config/sites/example-mqtt.yaml";
export const exampleText = readFileSync(exampleFile, "utf8");
export const environment = { ISOTHERM_MQTT_PASSWORD: "broker-secret", ISOTHERM_INFLUX_PASSWORD: "influx-secret" };

/** The least that a site must say. */
export const leastSite = `site: { id: s, timeZone: Europe/Berlin, latitude: 52.5, longitude: 13.4 }
building: { embedded: {} }
zones:
  - id: a
`;
export const load = (text: string, file = "site.yaml"): SiteConfig => parseSiteConfig(text, file, { environment });

/** What the person sees; fails where the text is accepted or the error is of another kind. */
export function refusal(text: string, file = "site.yaml"): string {
  try {
    load(text, file);
  } catch (error) {
    if (!(error instanceof SiteConfigError)) throw error;
    if (!(error instanceof IsothermError) || error.exitCode !== 78 || error.kind !== "configuration")
      throw new Error("wrong kind of error", { cause: error });
    return error.describe();
  }
  throw new Error(`accepted:\n${text}`);
}
