import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createEmail } from "#adapters/notify/email";
import { createWebForecast } from "#adapters/weather/webForecast";
import type { ForecastSourceConfig, SiteConfig } from "#config/siteConfig";

/** What a look at one input or way out gave; `trouble` null: all is well. */
export interface InputFinding {
  readonly check: string;
  readonly text: string;
  readonly trouble: string | null;
  readonly todo: string;
}

const askService = async (
  source: Extract<ForecastSourceConfig, { kind: "openMeteo" }>,
  { site, forecast }: SiteConfig,
  signal: AbortSignal,
): Promise<InputFinding> => {
  const folder = mkdtempSync(join(tmpdir(), "isotherm-doctor-"));
  try {
    const web = await createWebForecast({
      url: source.url,
      key: source.key?.reveal() ?? null,
      latitudeDeg: site.latitudeDeg,
      longitudeDeg: site.longitudeDeg,
      lengthS: forecast.lengthS,
      maxAgeS: forecast.maxAgeS,
      memoryFile: join(folder, "forecast.json"),
      refreshMs: source.refreshMs,
      timeoutMs: source.timeoutMs,
      requestsPerDay: 1,
      onError: () => undefined,
      signal,
    });
    await web.refresh();
    return {
      check: "Weather forecast",
      text: `${web.name} answers`,
      trouble: web.trouble === null ? null : `${web.name}: ${web.trouble}`,
      todo: "Check forecast.sources and the way there; the next source, or the site's own last days, serve meanwhile.",
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

/** Asks every weather service once, and logs in at the mail server; a webhook is not called, since whoever is behind it would take it for an alarm. */
export const examineInputs = async (config: SiteConfig, signal: AbortSignal): Promise<readonly InputFinding[]> => {
  const findings: InputFinding[] = [];
  for (const source of config.forecast.sources) if (source.kind === "openMeteo") findings.push(await askService(source, config, signal));
  const { webhook, email, timeoutMs } = config.notify;
  if (webhook !== null)
    findings.push({ check: "Alarms", text: `by webhook to ${new URL(webhook.url).host} (not called)`, trouble: null, todo: "" });
  if (email !== null) {
    const delivery = await createEmail({
      server: email.server,
      username: email.username,
      password: email.password?.reveal() ?? null,
      from: email.from,
      to: email.to,
      timeoutMs,
      timeZone: config.site.timeZone,
    });
    const trouble = await delivery.check().then(
      () => null,
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    );
    findings.push({
      check: "Alarms",
      text: `by e-mail: ${delivery.receiver} answers`,
      trouble: trouble === null ? null : `The mail server ${delivery.receiver} cannot be used: ${trouble}`,
      todo: "Check notify.email: server, user, password and network.",
    });
  }
  return findings;
};
