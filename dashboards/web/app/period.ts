import type { StatusView } from "#dashboards/server/wire";
import { t } from "#dashboards/web/app/i18n";

export type Period = "24h" | "7d" | "30d";
const dayMs = 86_400_000;

export const periodChoices = (["24h", "7d", "30d"] as const).map((value) => ({ value, text: t(`period.${value}`) }));

export const periodLengthMs: Readonly<Record<Period, number>> = { "24h": dayMs, "7d": 7 * dayMs, "30d": 30 * dayMs };

/** Query of the last `period` on the site's clock; the server's own default end (now) where the clock is not known yet. */
export const periodQuery = (period: Period, status: StatusView | null): string => {
  if (status === null) return "";
  const toMs = Math.round(status.nowMs);
  return `?from=${toMs - periodLengthMs[period]}&to=${toMs}`;
};
