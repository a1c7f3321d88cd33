/** How a five-zone office is written down, once for who simulates it and once for who controls it over MQTT. */
export interface OfficeText {
  readonly id: string;
  readonly directory: string;
  readonly timeZone: string;
  /** Of the first simulated day, MM-DD, and its year. */
  readonly start: string;
  readonly year: number;
  readonly historyDays: number;
  readonly mode: "shadow" | "auto";
  /** Lines under `control:`, indented by two. */
  readonly control?: string;
  readonly planner?: string;
  /** Whole sections, e.g. `influx:`. */
  readonly more?: string;
  /** First level of the topics of sensors; `building` unless set. */
  readonly sensors?: string;
  /** Lines under `mqtt:`, indented by two. */
  readonly mqtt: string;
}

const zones = ["space1", "space2", "space3", "space4", "space5"] as const;
const quantities = ["zoneAirTempC", "heatingSetpointC", "coolingSetpointC", "occupancyCount"] as const;
const weather = [
  "outdoorAirTempC",
  "outdoorRelativeHumidityPct",
  "windSpeedMps",
  "globalHorizontalIrradianceWm2",
  "directNormalIrradianceWm2",
  "diffuseHorizontalIrradianceWm2",
] as const;

const siteSection = ({ id, timeZone }: OfficeText): string =>
  `site: { id: ${id}, label: Office ${id}, timeZone: ${timeZone}, latitude: 40.65, longitude: -73.8, currency: USD }\n`;

/** The site file of the simulated building. */
export const buildingText = (office: OfficeText): string =>
  `${siteSection(office)}building:
  embedded: { plant: rc, building: five-zone-office, weather: new-york, start: ${office.start}, year: ${office.year}, history: ${office.historyDays} d }
zones:
${zones.map((id) => `  - { id: ${id} }\n`).join("")}store: { directory: ${office.directory} }
`;

/** The site file of its controller. */
export const controllerText = (office: OfficeText): string => {
  const sensor = (topic: string, path: string): string =>
    `{ topic: ${office.sensors ?? "building"}/${office.id}/${topic}, path: ${path}, expectedInterval: 1 min, maxAge: 30 min }`;
  return `${siteSection(office)}building: { mqtt: { expectedInterval: 1 min, maxAge: 30 min } }
zones:
${zones.map((id) => `  - id: ${id}\n    sensors:\n${quantities.map((q) => `      ${q}: ${sensor(`zone/${id}`, q)}\n`).join("")}`).join("")}points:
${weather.map((q) => `  site.${q}: ${sensor("weather", q)}\n`).join("")}  building.hvacPowerW: ${sensor("meter", "hvacPowerW")}
  building.hvacEnergyKwh: ${sensor("meter", "hvacEnergyKwh")}
mqtt:
${office.mqtt}control:
  mode: ${office.mode}
${office.control ?? ""}planner:
${office.planner ?? "  samples: 1000\n"}store: { directory: ${office.directory} }
dashboard: { enabled: false }
log: { level: warn }
${office.more ?? ""}`;
};
