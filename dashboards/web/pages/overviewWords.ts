import type { OverviewView, StatusView, ZoneTileView } from "#dashboards/server/wire";
import { t } from "#dashboards/web/app/i18n";
import { type IconName, sourceWords } from "#dashboards/web/app/icons";
import { currentLocale } from "#dashboards/web/app/settings";

const list = (names: readonly string[]): string => new Intl.ListFormat(currentLocale(), { type: "conjunction" }).format(names);

/** The answer to the first question of the day: is anyone uncomfortable? */
export const headline = (view: OverviewView): string => {
  const named = (state: ZoneTileView["state"]): string[] => view.zones.filter((zone) => zone.state === state).map((zone) => zone.label);
  const warm = named("too-warm");
  const cold = named("too-cold");
  const unknown = named("unknown");
  const parts = [
    warm.length === 0 ? "" : t(warm.length === 1 ? "overview.tooWarm.one" : "overview.tooWarm.many", { zones: list(warm) }),
    cold.length === 0 ? "" : t(cold.length === 1 ? "overview.tooCold.one" : "overview.tooCold.many", { zones: list(cold) }),
  ].filter((part) => part !== "");
  if (parts.length > 0) return `${parts.join("; ")}.`;
  if (view.zones.length > 0 && unknown.length === view.zones.length) return t("overview.noReadings");
  if (unknown.length > 0) return t("overview.noReadingFrom", { zones: list(unknown) });
  return view.zones.every((zone) => zone.state === "empty" || zone.band?.occupied === false)
    ? t("overview.emptyBuilding")
    : t("overview.allFine");
};

/** The building's reason where the decision counts in any zone, else that of the first zone that has one. */
const whyOf = ({ decision, zones }: OverviewView): string =>
  decision !== null && zones.some(({ source }) => source === decision.source)
    ? decision.reason
    : (zones.find(({ reason }) => reason !== "")?.reason ?? decision?.reason ?? "");

/** Who is in charge, in a word, and why. */
export const inChargeText = (
  view: OverviewView,
  status: StatusView | null,
): { readonly who: { readonly word: string; readonly icon: IconName }; readonly why: string } => {
  const sources = [...new Set(view.zones.flatMap((zone) => (zone.source === null ? [] : [zone.source])))];
  if (sources.length === 0) return { who: { icon: sourceWords.relinquish.icon, word: t("charge.own") }, why: status?.progressText ?? "" };
  const words = sources.map((source) =>
    t("charge.some", {
      who: t(sourceWords[source].word),
      count: view.zones.filter((zone) => zone.source === source).length,
      all: view.zones.length,
    }),
  );
  const who = {
    icon: sourceWords[sources[0]!].icon,
    word: sources.length === 1 ? t("charge.one", { who: t(sourceWords[sources[0]!].word) }) : t("charge.many", { who: list(words) }),
  };
  return { who, why: whyOf(view) };
};
