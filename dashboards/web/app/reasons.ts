import type { Alarm, SiteInfo } from "#dashboards/server/wire";
import { currentLanguage } from "#dashboards/web/app/settings";
import { alarmKind, germanAlarms } from "#dashboards/web/catalogue/deAlarms";
import { germanAnswer } from "#dashboards/web/catalogue/deAnswers";
import { germanReason } from "#dashboards/web/catalogue/deReasons";

/** What the daemon says with zones by the names that people know; ids that could be words of the sentence ("north", "a") stay. */
const withLabels = (text: string, { zones }: Pick<SiteInfo, "zones">): string => {
  const labels = new Map(zones.filter(({ id }) => /[\d_-]/.test(id)).map(({ id, label }) => [id, label]));
  return text.replace(/[\p{L}\p{N}_-]+/gu, (word) => labels.get(word) ?? word);
};

/** Why something was decided, in the reader's language as far as its form is known. */
export const reasonText = (reason: string, site: Pick<SiteInfo, "zones">): string => {
  if (currentLanguage() !== "de") return withLabels(reason, site);
  return germanReason(reason, (zone) => site.zones.find(({ id }) => id === zone)?.label ?? zone);
};

/** What an alarm says and advises in the reader's language; `original`: as the daemon said it, with its figures, where that is another one. */
export interface AlarmWords {
  readonly text: string;
  readonly action: string;
  readonly original: string | null;
}

export const alarmWords = (
  { id, zone, text, action }: Pick<Alarm, "id" | "zone" | "text" | "action">,
  site: Pick<SiteInfo, "zones">,
): AlarmWords => {
  const kind = currentLanguage() === "de" ? alarmKind(id) : null;
  if (kind === null) return { text: withLabels(text, site), action: withLabels(action, site), original: null };
  const subject = zone ?? (kind === "notify" ? "" : id.slice(kind.length + 1));
  const [owner = "", quantity] = subject.split(".");
  const label = site.zones.find((one) => one.id === owner)?.label ?? owner;
  const german = germanAlarms[kind]!;
  return { text: german.text(quantity === undefined ? label : `${label} (${quantity})`), action: german.action, original: text };
};

/** What the server answered to an order, in the reader's language as far as its form is known. */
export const answerText = (text: string): string => (currentLanguage() === "de" ? germanAnswer(text) : text);
