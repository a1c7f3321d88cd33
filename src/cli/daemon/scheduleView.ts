import { comfortAt } from "#config/comfort";
import { nextScheduleEntryMs } from "#config/nextScheduleEntry";
import type { ComfortConfig, SiteConfig } from "#config/siteConfig";
import type { ScheduleView } from "#dashboards/server/wire";
import type { Closures } from "#loop/closures";
import type { Override } from "#loop/supervisor";
import type { AdaptiveStandard } from "#math/adaptiveComfort";

const standardName = (by: AdaptiveStandard): string =>
  by.standard === "en16798" ? `EN 16798-1, ${by.category}` : `ASHRAE 55, ${by.acceptabilityPct} %`;

type Holidays = ComfortConfig["holidays"];

const configuredHolidays = (all: Holidays, entered: Holidays): Holidays =>
  all.filter((one) => !entered.includes(one)).map(({ first, last }) => ({ first, last }));

/** The site's schedules as people know them: the configured week and holidays, the days that people closed, the entry in force and the next one. `config` as `withClosures` made it. */
export const scheduleViewOf = (
  config: SiteConfig,
  nowMs: number,
  overrides: ReadonlyMap<string, Override>,
  closures: Pick<Closures, "all" | "of">,
  runningMeanC: number,
): ScheduleView => {
  const { control, site } = config;
  return {
    nowMs,
    timeZone: site.timeZone,
    limits: control.limits,
    setback: control.setback,
    rule: control.rule,
    closures: closures.all(),
    zones: config.zones.map(({ id, label, comfort }) => {
      const nextMs = nextScheduleEntryMs(config, id, nowMs);
      const override = overrides.get(id);
      return {
        id,
        label,
        occupied: comfort.occupied,
        unoccupied: comfort.unoccupied,
        adaptive: comfort.adaptive === null ? null : standardName(comfort.adaptive.by),
        week: comfort.week,
        holidays: configuredHolidays(comfort.holidays, closures.of(id)),
        now: comfortAt(config, id, nowMs, runningMeanC),
        next: nextMs === null ? null : { ...comfortAt(config, id, nextMs, runningMeanC), timeMs: nextMs },
        override:
          override === undefined
            ? null
            : { setpoints: override.setpoints, untilMs: override.untilMs, by: override.by, reason: override.reason ?? "" },
      };
    }),
  };
};
