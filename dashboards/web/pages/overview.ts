import type { Alarm, DecisionSummary, EnergyView, OverviewView, SavingsView, StatusView, ZoneTileView } from "#dashboards/server/wire";
import { getJson } from "#dashboards/web/app/api";
import { fill, h, setText, svg } from "#dashboards/web/app/dom";
import type { Formats } from "#dashboards/web/app/format";
import { type MessageKey, t } from "#dashboards/web/app/i18n";
import { icon } from "#dashboards/web/app/icons";
import type { Page, PageContext } from "#dashboards/web/app/page";
import { pageHead, sourceBadge, stat, stateBadge } from "#dashboards/web/app/parts";
import { reasonText } from "#dashboards/web/app/reasons";
import { createChartCard } from "#dashboards/web/charts/chartCard";
import { alarmBody } from "#dashboards/web/pages/alarms";
import { powerHistoryLane, powerTable } from "#dashboards/web/pages/energy";
import { planAreas } from "#dashboards/web/pages/floorPlan";
import { headline, inChargeText } from "#dashboards/web/pages/overviewWords";
import { systemCard } from "#dashboards/web/pages/systemCard";

const sparkWidth = 120;
const sparkHeight = 34;

const sparkLine = (zone: ZoneTileView): SVGElement | null => {
  const points = zone.recent;
  if (points.length < 2) return null;
  const temps = [...points.map((point) => point.meanC), ...(zone.band?.occupied === true ? [zone.band.lowerC, zone.band.upperC] : [])];
  const lowC = Math.min(...temps) - 0.2;
  const highC = Math.max(...temps) + 0.2;
  const firstMs = points[0]!.timeMs;
  const lastMs = points.at(-1)!.timeMs;
  const x = (timeMs: number): number => ((timeMs - firstMs) / Math.max(1, lastMs - firstMs)) * (sparkWidth - 4) + 2;
  const y = (tempC: number): number => sparkHeight - 2 - ((tempC - lowC) / (highC - lowC)) * (sparkHeight - 4);
  const path = points.map(({ timeMs, meanC }, i) => `${i === 0 ? "M" : "L"}${x(timeMs).toFixed(1)} ${y(meanC).toFixed(1)}`).join("");
  const last = points.at(-1)!;
  return svg(
    "svg",
    { class: "spark", viewBox: `0 0 ${sparkWidth} ${sparkHeight}`, "aria-hidden": "true", focusable: "false", preserveAspectRatio: "none" },
    zone.band?.occupied === true
      ? svg("rect", {
          class: "spark-band",
          x: 0,
          width: sparkWidth,
          y: y(zone.band.upperC).toFixed(1),
          height: (y(zone.band.lowerC) - y(zone.band.upperC)).toFixed(1),
        })
      : null,
    svg("path", { class: "spark-line", d: path, "vector-effect": "non-scaling-stroke" }),
    svg("circle", { class: "spark-dot", cx: x(last.timeMs).toFixed(1), cy: y(last.meanC).toFixed(1), r: 2 }),
  );
};

const setpointText = (zone: ZoneTileView, formats: Formats): string => {
  if (zone.heatingSetpointC === null || zone.coolingSetpointC === null) return t("overview.noSetpoints");
  const pair = `${formats.tempNumber(zone.heatingSetpointC, 1)}–${formats.tempC(zone.coolingSetpointC)}`;
  return zone.untilMs === null ? pair : `${pair} ${t("until", { time: formats.clock(zone.untilMs) })}`;
};

const tile = (zone: ZoneTileView, area: string | null, { site, formats }: Pick<PageContext, "site" | "formats">): HTMLElement => {
  const element = h(
    "li",
    { class: "tile", "data-zone": zone.id, "data-area": area },
    h(
      "a",
      { class: "tile-link", href: `#/zones/${encodeURIComponent(zone.id)}` },
      h("span", { class: "tile-head" }, h("span", { class: "tile-name" }, zone.label), stateBadge(zone.state)),
      h(
        "span",
        { class: "tile-body" },
        h(
          "span",
          { class: zone.isOld ? "tile-temp is-old" : "tile-temp", "data-value": zone.zoneAirTempC },
          formats.tempC(zone.zoneAirTempC),
          zone.isOld && zone.measuredMs !== null
            ? h("span", { class: "tile-age" }, t("overview.oldReading", { time: formats.clock(zone.measuredMs) }))
            : null,
        ),
        sparkLine(zone),
      ),
      h("span", { class: "tile-setpoint" }, h("span", { class: "visually-hidden" }, t("overview.setpoints")), setpointText(zone, formats)),
      h(
        "span",
        { class: "tile-why" },
        sourceBadge(zone.source),
        zone.reason === "" ? null : h("span", { class: "tile-reason" }, reasonText(zone.reason, site)),
      ),
    ),
  );
  if (area !== null) element.style.gridArea = area;
  return element;
};

const modeWords: Readonly<Record<StatusView["mode"], { readonly word: MessageKey; readonly note: MessageKey }>> = {
  auto: { word: "mode.auto", note: "mode.autoNote" },
  shadow: { word: "mode.shadow", note: "mode.shadowNote" },
  off: { word: "mode.off", note: "mode.offNote" },
};

/** A month's savings change by the day. */
const SAVINGS_EVERY_MS = 10 * 60_000;
/** A long list pushes the zones off a phone's screen; it has its own page. */
const shownAlarmCount = 3;
const urgency: Readonly<Record<Alarm["level"], number>> = { critical: 0, warning: 1, info: 2 };

const alarmItem = (alarm: Alarm, context: PageContext): HTMLElement =>
  h("li", { class: `alarm alarm-${alarm.level}` }, ...alarmBody(alarm, context));

interface DecisionRun {
  readonly newest: DecisionSummary;
  readonly oldest: DecisionSummary;
}

/** Neighbours that decided the same for the same reason, as one entry. */
const decisionRuns = (decisions: readonly DecisionSummary[]): DecisionRun[] => {
  const runs: DecisionRun[] = [];
  for (const decision of decisions) {
    const last = runs.at(-1);
    if (last !== undefined && last.oldest.source === decision.source && last.oldest.reason === decision.reason)
      runs[runs.length - 1] = { ...last, oldest: decision };
    else runs.push({ newest: decision, oldest: decision });
  }
  return runs;
};

const decisionItem = ({ newest, oldest }: DecisionRun, { site, formats }: Pick<PageContext, "site" | "formats">): HTMLElement =>
  h(
    "li",
    { class: "log-item", "data-decision": newest.id },
    h(
      "span",
      { class: "log-time" },
      newest === oldest ? formats.clock(newest.timeMs) : `${formats.clock(oldest.timeMs)}–${formats.clock(newest.timeMs)}`,
    ),
    h("span", { class: "log-text" }, sourceBadge(newest.source), h("span", {}, reasonText(newest.reason, site))),
  );

export const createOverview = (context: PageContext): Page => {
  const { site, formats } = context;
  const lead = h("p", { class: "lead", "aria-live": "polite" }, t("loading"));
  const charge = h("p", { class: "sub-lead" });
  const { element: head } = pageHead(site.label, h("div", {}, lead, charge));
  const progress = h("div", { class: "progress card", hidden: true });
  const strip = h("dl", { class: "strip strip-eight" });
  const areas = planAreas(site.zones);
  const plan = h(
    "ul",
    { class: areas === null ? "tiles" : "tiles tiles-plan", "aria-label": t("zones") },
    ...site.zones.map(() => h("li", { class: "tile skeleton", "aria-hidden": "true" })),
  );
  const alarmList = h("ul", { class: "alarms", "aria-live": "polite" });
  const log = h("ol", { class: "log" });
  const power = createChartCard({
    title: t("overview.power"),
    lanes: [{ id: "power", size: "medium" }],
    empty: t("overview.noPower"),
  });
  const system = systemCard(formats);
  const element = h(
    "div",
    { class: "page" },
    head,
    progress,
    strip,
    h(
      "div",
      { class: "overview-grid" },
      h(
        "div",
        { class: "zones-column" },
        h(
          "section",
          { class: "zones", "aria-labelledby": "zones-title" },
          h("h2", { id: "zones-title", class: "section-title" }, t("zones")),
          plan,
        ),
        power.element,
      ),
      h(
        "div",
        { class: "side" },
        h("section", { class: "card alarms-card" }, h("h2", {}, h("a", { href: "#/alarms" }, t("alarms.title"))), alarmList),
        h("section", { class: "card" }, h("h2", {}, t("overview.decisions")), log),
        system.element,
      ),
    ),
  );

  const showProgress = (status: StatusView): void => {
    const busy = status.phase !== "controlling" || status.progressFraction !== null;
    progress.hidden = !busy;
    if (!busy) return;
    const word = t(`phase.${status.phase}`);
    const bar = h("progress", { max: 1, value: status.progressFraction ?? undefined, "aria-label": word });
    fill(
      progress,
      h("div", { class: "progress-text" }, h("strong", {}, word), h("span", {}, status.progressText)),
      status.phase === "degraded" && status.progressFraction === null ? null : bar,
      status.progressFraction === null ? null : h("span", { class: "progress-pct" }, formats.pct(status.progressFraction * 100)),
    );
  };

  /** null: not asked yet, or nobody can say. */
  let savings: SavingsView | null = null;
  let savingsAskedMs = Number.NEGATIVE_INFINITY;
  const savedStat = (): HTMLElement => {
    const total = savings?.total ?? null;
    const link = h("a", { href: "#/savings" }, t("stat.saved"));
    const attributes = { class: "stat", "data-stat": "saved", "data-value": total?.savedKwh };
    if (total === null)
      return stat(
        link,
        "–",
        savings?.missing == null ? "" : t(savings.missing === "no-control" ? "stat.savedNoControl" : "stat.savedShort"),
        attributes,
      );
    const bounds = t("stat.savedBetween", {
      low: formats.energyKwh(total.savedLowKwh),
      high: formats.energyKwh(total.savedHighKwh),
      confidence: formats.pct(savings!.confidencePct),
    });
    return stat(link, formats.energyKwh(total.savedKwh), bounds, attributes);
  };
  /** Not part of what the page waits for: a month of days is weighed against a model of the time before. */
  const askSavings = async (signal: AbortSignal): Promise<void> => {
    if (performance.now() - savingsAskedMs < SAVINGS_EVERY_MS) return;
    savingsAskedMs = performance.now();
    try {
      savings = await getJson<SavingsView>("savings", signal);
      keepingFocus(() => strip.querySelector('[data-stat="saved"]')?.replaceWith(savedStat()));
    } catch {
      // Its own page says why.
    }
  };

  /** The strip has one link: whoever stands on it stays there while its figures are made anew. */
  const keepingFocus = (work: () => void): void => {
    const wasInside = strip.contains(document.activeElement);
    work();
    if (wasInside) strip.querySelector<HTMLElement>("a")?.focus({ preventScroll: true });
  };
  const showStrip = (view: OverviewView, status: StatusView | null): void => {
    const { today, alarmCounts } = view;
    const activeAlarms = alarmCounts.info + alarmCounts.warning + alarmCounts.critical;
    const ageS = view.newestDataMs === null ? null : Math.max(0, (view.nowMs - view.newestDataMs) / 1000);
    const mode = status === null ? null : modeWords[status.mode];
    const partlyPriced = today.costCoverageFraction !== null && today.costCoverageFraction < 0.995;
    fill(
      strip,
      stat(t("stat.mode"), mode === null ? "–" : t(mode.word), mode === null ? "" : t(mode.note)),
      stat(t("stat.comfortToday"), formats.pct(today.inBandPct), t(today.inBandPct === null ? "stat.nothingScored" : "stat.ofOccupied")),
      stat(
        t("stat.energyToday"),
        formats.energyKwh(today.energyKwh),
        today.peakKw === null ? "" : t("stat.peakOf", { power: formats.powerKw(today.peakKw) }),
      ),
      stat(
        t("stat.costToday"),
        formats.money(today.cost),
        partlyPriced ? t("stat.pricedShare", { share: formats.pct(today.costCoverageFraction! * 100) }) : t("stat.priceThen"),
      ),
      stat(
        t("stat.powerNow"),
        formats.powerKw(view.hvacPowerW === null ? null : view.hvacPowerW / 1000),
        t("stat.whileOutdoors", { temp: formats.tempC(view.outdoorAirTempC) }),
      ),
      savedStat(),
      stat(
        t("alarms.title"),
        String(activeAlarms),
        activeAlarms === 0
          ? t("stat.noneActive")
          : alarmCounts.critical > 0
            ? t("stat.criticalCount", { count: alarmCounts.critical })
            : t("stat.seeList"),
      ),
      stat(
        t("stat.dataAge"),
        formats.age(ageS),
        t(view.newestDataMs === null ? "stat.noDataYet" : "stat.newestAt", {
          time: view.newestDataMs === null ? "" : formats.clock(view.newestDataMs),
        }),
        {
          class: "stat",
          "data-stat": "data-age",
        },
      ),
    );
  };

  const showCharge = (view: OverviewView): void => {
    const { who, why } = inChargeText(view, context.status());
    fill(charge, h("span", { class: "source", "data-stat": "in-charge" }, icon(who.icon), who.word), h("span", {}, reasonText(why, site)));
  };

  const showPower = (energy: EnergyView): void => {
    power.update(
      energy.power.length === 0
        ? null
        : {
            lanes: { power: powerHistoryLane(energy, formats) },
            legend: [
              { mark: "power", text: t("energy.tableCaption") },
              { mark: "peak", text: `${t("energy.peak")} ${formats.powerKw(energy.peakKw)}` },
            ],
            tables: [powerTable(energy, formats)],
          },
    );
  };

  const showTiles = (view: OverviewView): void => {
    const focused = (document.activeElement?.closest("[data-zone]") as HTMLElement | null)?.dataset.zone;
    fill(plan, ...view.zones.map((zone) => tile(zone, areas?.get(zone.id) ?? null, context)));
    if (focused !== undefined) plan.querySelector<HTMLElement>(`[data-zone="${CSS.escape(focused)}"] a`)?.focus({ preventScroll: true });
  };

  let shownAlarms = "";
  return {
    title: t("nav.overview"),
    element,
    refresh: async (signal) => {
      const [view, { alarms }, energy] = await Promise.all([
        getJson<OverviewView>("overview", signal),
        getJson<{ alarms: readonly Alarm[] }>("alarms", signal),
        getJson<EnergyView>("energy", signal),
      ]);
      setText(lead, headline(view));
      void askSavings(signal);
      keepingFocus(() => showStrip(view, context.status()));
      showCharge(view);
      showTiles(view);
      showPower(energy);
      const active = alarms.filter((alarm) => alarm.clearedMs === null).sort((a, b) => urgency[a.level] - urgency[b.level]);
      const shown = JSON.stringify(active);
      if (shown !== shownAlarms) {
        shownAlarms = shown;
        fill(
          alarmList,
          ...(active.length === 0
            ? [h("li", { class: "empty" }, t("alarms.none"))]
            : active.slice(0, shownAlarmCount).map((alarm) => alarmItem(alarm, context))),
          active.length > shownAlarmCount
            ? h("li", { class: "more-alarms" }, h("a", { href: "#/alarms" }, t("overview.allAlarms", { count: active.length })))
            : null,
        );
      }
      fill(
        log,
        ...(view.recentDecisions.length === 0
          ? [h("li", { class: "empty" }, t("overview.noDecisions"))]
          : decisionRuns(view.recentDecisions).map((run) => decisionItem(run, context))),
      );
    },
    onStatus: (status) => {
      showProgress(status);
      system.show(status);
    },
    destroy: () => power.destroy(),
  };
};
