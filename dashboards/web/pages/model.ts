import type { ModelLiveView, ModelsView, ModelVersionView } from "#dashboards/server/wire";
import { getJson, RequestFailed } from "#dashboards/web/app/api";
import { askReason } from "#dashboards/web/app/dialog";
import { button, fill, h, setText } from "#dashboards/web/app/dom";
import type { Formats } from "#dashboards/web/app/format";
import { type MessageKey, t } from "#dashboards/web/app/i18n";
import { icon } from "#dashboards/web/app/icons";
import type { Page, PageContext } from "#dashboards/web/app/page";
import { type Choice, pageHead, segmented, stat } from "#dashboards/web/app/parts";
import { problemOf } from "#dashboards/web/app/session";
import { createChartCard } from "#dashboards/web/charts/chartCard";
import { heatTable } from "#dashboards/web/pages/heatTable";
import { coverageContent } from "#dashboards/web/pages/modelCharts";
import { plainTable } from "#dashboards/web/pages/plainTable";

/** The band in which the 90 % interval's coverage is as it should be. */
const lowestPct = 75;
const highestPct = 98;
const changeKey = {
  installed: "model.kind.installed",
  refused: "model.kind.refused",
  promoted: "model.kind.promoted",
  "rolled-back": "model.kind.rolled-back",
  forgotten: "model.kind.forgotten",
} as const satisfies Record<string, MessageKey>;
const stateKey = {
  "in-force": "model.state.in-force",
  "was-in-force": "model.state.was-in-force",
  refused: "model.state.refused",
  saved: "model.state.saved",
} as const satisfies Record<ModelVersionView["state"], MessageKey>;

const badge = (good: boolean, text: string): HTMLElement =>
  h("span", { class: `badge tone-${good ? "good" : "warm"}` }, icon(good ? "check" : "alert"), text);

const coverageBadge = (fraction: number | null, formats: Formats): HTMLElement => {
  if (fraction === null) return h("span", { class: "badge tone-quiet" }, icon("question"), t("model.tooFew"));
  const pct = 100 * fraction;
  const text = formats.pct(pct);
  if (pct < lowestPct) return badge(false, t("model.tooSure", { share: text }));
  return pct > highestPct ? badge(false, t("model.tooCareful", { share: text })) : badge(true, t("model.asItShould", { share: text }));
};

const accuracyTable = (view: ModelsView, live: ModelLiveView, formats: Formats): HTMLElement =>
  plainTable(
    "model-accuracy",
    t("model.accuracy"),
    [t("comfort.zone"), t("model.coverage"), t("model.steps"), t("model.rmse"), t("model.heldOut"), t("model.bias")],
    live.zones.map((zone) => {
      const own = view.accuracy.find((one) => one.zone === zone.zone);
      return h(
        "tr",
        { "data-zone": zone.zone },
        h("th", { scope: "row" }, zone.label),
        h("td", { "data-value": own?.coverage90Fraction }, coverageBadge(own?.coverage90Fraction ?? null, formats)),
        h("td", { "data-value": own?.samples ?? 0 }, formats.number(own?.samples ?? 0)),
        h("td", { "data-value": own?.rmseK }, formats.diffK(own?.rmseK ?? null, 2)),
        h("td", { "data-value": own?.heldOutRmseK }, formats.diffK(own?.heldOutRmseK ?? null, 2)),
        h("td", { "data-value": zone.biasK }, formats.diffK(zone.biasK, 2)),
      );
    }),
  );

const hours = Array.from({ length: 24 }, (_, hour) => hour);
const residualsTable = (live: ModelLiveView, key: "biasK" | "rmseK", formats: Formats): HTMLElement =>
  heatTable({
    caption: t("model.residuals"),
    corner: t("comfort.zone"),
    columns: hours.map((hour) => String(hour).padStart(2, "0")),
    dense: true,
    key: "model-residuals",
    shade: Math.abs,
    rows: live.zones.map((zone) => ({
      name: zone.label,
      cells: hours.map((hour) => {
        const own = zone.hours.find((one) => one.hour === hour);
        const value = own?.[key] ?? null;
        return {
          value,
          text: value === null ? t("model.noSteps") : formats.number(value, 2),
          spoken: `${zone.label}, ${String(hour).padStart(2, "0")}:00: ${value === null ? t("model.noSteps") : t("model.hourSpoken", { error: formats.diffK(value, 2), steps: formats.number(own!.samples) })}`,
        };
      }),
    })),
  });

const daysTable = (live: ModelLiveView, formats: Formats): HTMLElement =>
  plainTable(
    "model-days",
    t("model.days"),
    [t("comfort.day"), t("model.complete"), t("model.missing")],
    [...live.days].reverse().map((day) => {
      const bar = h("span", { class: "share-bar", "aria-hidden": "true" }, h("span", { class: "share-fill" }));
      (bar.firstElementChild as HTMLElement).style.width = `${100 * day.completeFraction}%`;
      return h(
        "tr",
        { "data-day": day.day },
        h("th", { scope: "row" }, formats.day(day.startMs)),
        h(
          "td",
          { "data-value": day.completeFraction },
          h("span", { class: "share" }, h("span", { class: "share-text" }, formats.pct(100 * day.completeFraction)), bar),
        ),
        h("td", { class: "wide-text" }, day.missing.length === 0 ? t("model.nothingMissing") : pointWords(day.missing, live.zones)),
      );
    }),
  );

/** Points in a reader's words, zones gathered; what has no word stands as its name. */
const pointWords = (points: readonly string[], zones: ModelLiveView["zones"]): string => {
  const labels = zones.filter(({ zone }) => points.includes(`${zone}.zoneAirTempC`)).map(({ label }) => label);
  const temps = new Set(zones.map(({ zone }) => `${zone}.zoneAirTempC`));
  const words = points
    .filter((point) => !temps.has(point))
    .map((point) =>
      point === "site.outdoorAirTempC" ? t("point.outdoorAirTempC") : point === "site.hvacPowerW" ? t("point.hvacPowerW") : point,
    );
  if (labels.length === 0) return words.join("; ");
  const all = zones.length > 1 && labels.length === zones.length;
  return [t("point.zoneAirTempC", { zones: all ? t("point.allZones") : labels.join(", ") }), ...words].join("; ");
};

const learnedSentence = (live: ModelLiveView, formats: Formats): string => {
  if (live.learning === null) return t("model.nobodyLearns");
  const amounts = {
    have: formats.number(live.completeDays, 1),
    need: formats.number(live.learning.minDays),
    full: formats.number(live.learning.trainingDays),
  };
  return t(live.completeDays < live.learning.minDays ? "model.notEnough" : "model.enough", amounts);
};

/** How true the model is, what it learned from, its versions, and putting another one to work. */
export const createModelPage = (context: PageContext): Page => {
  const { formats, session } = context;
  const lead = h("p", { class: "lead", "aria-live": "polite" }, t("loading"));
  const { element: head } = pageHead(t("model.title"), lead);
  const stats = h("dl", { class: "strip" });
  const accuracy = h("div", {});
  const residuals = h("div", {});
  const days = h("div", {});
  const versions = h("div", {});
  const log = h("div", {});
  const message = h("p", { class: "form-message", role: "status" });
  const controller = new AbortController();
  let kind: "biasK" | "rmseK" = "biasK";
  let newest: { readonly models: ModelsView; readonly live: ModelLiveView } | null = null;
  let shownVersions = "";
  const kinds: readonly Choice<"biasK" | "rmseK">[] = [
    { value: "biasK", text: t("model.bias") },
    { value: "rmseK", text: t("model.rmse") },
  ];
  const coverage = createChartCard({
    title: t("model.coverageChart"),
    lanes: [{ id: "coverage", size: "medium" }],
    empty: t("model.noCoverage"),
  });

  const order = (path: string, body: unknown): void => {
    fill(message);
    session.send<{ text: string }>("POST", path, body).then(
      ({ text }) => {
        message.className = "form-message form-done";
        fill(message, icon("check"), ` ${text}`);
        void refresh(controller.signal).catch(() => undefined);
      },
      (error: unknown) => {
        message.className = "form-message form-problem";
        fill(message, icon("alert"), ` ${problemOf(error).error} ${problemOf(error).todo}`);
      },
    );
  };
  const orderWithReason = (question: string, confirm: string, path: string, body: Readonly<Record<string, string>>): void => {
    void askReason(question, confirm).then((reason) => reason !== null && order(path, { ...body, reason }));
  };

  const versionRow = (version: ModelVersionView): HTMLElement =>
    h(
      "tr",
      { "data-version": version.version },
      h("th", { scope: "row" }, version.version),
      h(
        "td",
        { "data-state": version.state },
        version.state === "in-force" ? badge(true, t(stateKey[version.state])) : t(stateKey[version.state]),
      ),
      h("td", {}, formats.dayAndClock(version.createdMs)),
      h("td", {}, typeof version.summary.heldOutRmse20K === "number" ? formats.diffK(version.summary.heldOutRmse20K, 2) : "–"),
      h("td", { class: "wide-text" }, version.reason),
      h(
        "td",
        {},
        version.state === "in-force" || !session.can("admin")
          ? null
          : button(
              { class: "button-quiet", "data-action": "promote", "aria-label": t("model.promoteWhich", { version: version.version }) },
              () =>
                orderWithReason(t("model.promoteWhy", { version: version.version }), t("model.promote"), "models/promotion", {
                  version: version.version,
                }),
              t("model.promote"),
            ),
      ),
    );

  const showVersions = (models: ModelsView): void => {
    const now = JSON.stringify([models.versions, models.changes, session.can("admin")]);
    if (now === shownVersions) return;
    shownVersions = now;
    fill(
      versions,
      models.versions.length === 0
        ? h("p", { class: "empty" }, t("model.noVersions"))
        : plainTable(
            "model-versions",
            t("model.versions"),
            [t("model.version"), t("model.state"), t("model.made"), t("model.heldOut20"), t("model.why"), t("admin.actions")],
            models.versions.map(versionRow),
          ),
      session.can("admin")
        ? models.rollbackTo === null
          ? null
          : button(
              { class: "button-quiet", "data-action": "rollback" },
              () => {
                const version = models.rollbackTo ?? "";
                orderWithReason(t("model.rollbackWhy", { version }), t("model.rollback", { version }), "models/rollback", {});
              },
              t("model.rollback", { version: models.rollbackTo }),
            )
        : h("p", { class: "hint" }, t("model.needsAdmin")),
    );
    fill(
      log,
      models.changes.length === 0
        ? h("p", { class: "empty" }, t("model.noChanges"))
        : plainTable(
            "model-changes",
            t("model.log"),
            [t("audit.when"), t("audit.what"), t("model.version"), t("audit.who"), t("model.why")],
            models.changes.map((change) =>
              h(
                "tr",
                {},
                h("th", { scope: "row" }, formats.dayAndClock(change.timeMs)),
                h("td", {}, t(changeKey[change.kind])),
                h("td", {}, change.version),
                h("td", {}, change.by),
                h("td", { class: "wide-text" }, change.reason),
              ),
            ),
          ),
    );
  };
  const showResiduals = (): void => {
    if (newest !== null) fill(residuals, residualsTable(newest.live, kind, formats));
  };

  const element = h(
    "div",
    { class: "page" },
    head,
    stats,
    h("section", { class: "card" }, h("h2", {}, t("model.accuracy")), h("p", { class: "card-note" }, t("model.accuracyNote")), accuracy),
    coverage.element,
    h(
      "section",
      { class: "card" },
      h(
        "div",
        { class: "card-head" },
        h("h2", {}, t("model.residuals")),
        segmented(t("model.residualKind"), kinds, kind, (value) => {
          kind = value;
          showResiduals();
        }),
      ),
      h("p", { class: "card-note" }, t("model.residualsNote")),
      residuals,
    ),
    h("section", { class: "card" }, h("h2", {}, t("model.days")), h("p", { class: "card-note" }, t("model.daysNote")), days),
    h("section", { class: "card" }, h("h2", {}, t("model.versions")), message, versions),
    h("section", { class: "card" }, h("h2", {}, t("model.log")), log),
  );

  const noModels: ModelsView = { inForce: null, rollbackTo: null, versions: [], changes: [], accuracy: [] };
  const refresh = async (signal: AbortSignal): Promise<void> => {
    const [models, live] = await Promise.all([
      getJson<ModelsView>("models", signal).catch((error: unknown) => {
        if (error instanceof RequestFailed && error.status === 404) return noModels;
        throw error;
      }),
      getJson<ModelLiveView>("models/live", signal),
    ]);
    newest = { models, live };
    const judged = models.accuracy.filter(({ coverage90Fraction }) => coverage90Fraction !== null);
    const astray = judged.filter(
      ({ coverage90Fraction }) => 100 * coverage90Fraction! < lowestPct || 100 * coverage90Fraction! > highestPct,
    );
    setText(
      lead,
      models.inForce === null
        ? t("model.none")
        : judged.length === 0
          ? t("model.notJudged")
          : astray.length === 0
            ? t("model.allTrue")
            : t("model.someAstray", { count: formats.number(astray.length), all: formats.number(judged.length) }),
    );
    const inForce = models.versions.find(({ version }) => version === models.inForce);
    fill(
      stats,
      stat(
        t("model.inForce"),
        models.inForce ?? "–",
        inForce?.inForceSinceMs == null ? "" : t("alarm.since", { time: formats.dayAndClock(inForce.inForceSinceMs) }),
      ),
      stat(
        t("model.learned"),
        live.learning === null ? "–" : t("model.daysCount", { days: formats.number(live.completeDays, 1) }),
        learnedSentence(live, formats),
      ),
      stat(t("model.judgedSteps"), formats.number(live.zones.reduce((sum, { samples }) => sum + samples, 0)), t("model.inTwoWeeks")),
      stat(t("model.versions"), formats.number(models.versions.length), t("model.kept")),
    );
    fill(accuracy, accuracyTable(models, live, formats));
    showResiduals();
    fill(days, daysTable(live, formats));
    coverage.update(coverageContent(live, formats, lowestPct, highestPct));
    showVersions(models);
  };
  return {
    title: t("model.title"),
    element,
    refresh,
    destroy: () => {
      controller.abort();
      coverage.destroy();
    },
  };
};
