import { longestLeadS } from "#cli/daemon/controlSite";
import type { SiteConfig } from "#config/siteConfig";
import type { BuildingModel } from "#domain/model";

/** What a floor needs: starts half a day ahead, and a look beyond them that shows whether they were early enough, s. */
const WANTED_LEAD_S = 12 * 3_600;
const WANTED_HORIZON_S = 24 * 3_600;

/** What to change where zones turned out to be heated over hours and the site looks less far ahead than that; null where nothing is to be done. */
export const slowZonesAdvice = (
  config: Pick<SiteConfig, "control" | "planner">,
  { zones }: Pick<BuildingModel, "zones">,
): string | null => {
  const slow = zones.filter(({ call }) => call !== undefined).map(({ zone }) => zone);
  if (slow.length === 0) return null;
  const { stepS } = config.control;
  const { horizonSteps } = config.planner;
  const todo = [
    ...(longestLeadS(config) < WANTED_LEAD_S ? ["control.rule.lead: 6 h"] : []),
    ...(horizonSteps * stepS < WANTED_HORIZON_S ? [`planner.horizon: ${Math.ceil(WANTED_HORIZON_S / stepS)}`] : []),
  ];
  if (todo.length === 0) return null;
  return `Heat takes hours to reach ${slow.join(", ")} (a heated floor): plans look ${(horizonSteps * stepS) / 3600} h ahead and begin at most ${longestLeadS(config) / 3600} h before people come, which is too late there. Set ${todo.join(" and ")}.`;
};
