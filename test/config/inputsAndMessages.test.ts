import { describe, expect, it } from "vitest";
import { load, refusal } from "./sites.js";

/** A secret of the environment that the tests have. */
const broker = "$".concat("{ISOTHERM_MQTT_PASSWORD}");
const site = (more: string): string => `site: { id: s, timeZone: Europe/Berlin, latitude: 52.5, longitude: 13.4 }
building: { mqtt: {} }
zones:
  - { id: a, sensors: { zoneAirTempC: { topic: a } } }
${more}
`;

describe("sources of forecasts", () => {
  it.each([
    ["forecast: { sources: [{ kind: openMeteo }] }", "forecast.sources[0]: names no address"],
    ["forecast: { sources: [{ kind: typical }] }", "forecast.sources[0]: names no weather"],
    [
      "forecast: { sources: [{ kind: persistence, url: 'https://a.example' }] }",
      "forecast.sources[0].url: a source of kind persistence does not use it",
    ],
    ["forecast: { sources: [{ kind: typical, weather: nowhere.epw }] }", "nowhere.epw does not exist"],
    ["forecast: { sources: [{ kind: openmeteo }] }", 'Did you mean "openMeteo"?'],
    ["forecast: { sources: [{ kind: openMeteo, url: 'https://a.example', key: { file: no.key } }] }", "no.key does not exist"],
    ["notify: { webhook: { url: 'ftp://a.example' } }", "is not an address that starts with http:// or https://"],
    ["notify: { email: { server: 'smtps://a.example', from: me, to: [] } }", '"me" is not an e-mail address'],
    [
      `notify: { email: { server: 'smtps://a.example', from: a@b.example, to: [c@d.example], password: '${broker}' } }`,
      "notify.email.password: stands without username",
    ],
    ["control: { comfort: { habits: { use: never } } }", "is not one of beside, instead"],
  ])("are refused in %s", (more, problem) => {
    expect(refusal(site(more))).toContain(problem);
  });
  it("belong to a real building", () => {
    const text = site("forecast: { sources: [{ kind: persistence }] }")
      .replace("mqtt: {}", "embedded: {}")
      .replace(/, sensors: .*topic: a } \}/, "");
    expect(refusal(text)).toContain("forecast.sources: a simulated building has its own weather");
  });
  it("have a licence of their own at Open-Meteo, their kind's blend, and a doubt where a key would travel in the open", () => {
    const config = load(
      site(
        `forecast: { sources: [{ kind: openMeteo, url: 'https://api.open-meteo.com/v1/forecast' }, { kind: openMeteo, url: 'http://weather.example/', key: '${broker}' }, { kind: typical, weather: new-york }] }\nnotify: { webhook: { url: 'http://hooks.example/x' } }`,
      ),
    );
    expect(config.forecast.sources).toMatchObject([
      { licence: expect.stringMatching(/Open-Meteo\.com, CC BY 4\.0.*non-commercial/), blendS: 21_600 },
      { licence: null },
      { weather: "new-york", blendS: 86_400 },
    ]);
    expect(config.warnings.join("\n")).toMatch(/forecast\.sources\[1\]\.url is not encrypted.*\n.*notify\.webhook\.url is not encrypted/s);
    expect(JSON.stringify(config)).not.toContain("broker-secret");
  });
});
