import type { DoctorView, StatusView } from "#dashboards/server/wire";
import { getJson } from "#dashboards/web/app/api";
import { button, fill, h, setText } from "#dashboards/web/app/dom";
import type { Formats } from "#dashboards/web/app/format";
import { type MessageKey, t } from "#dashboards/web/app/i18n";
import { type IconName, icon } from "#dashboards/web/app/icons";
import type { Page, PageContext } from "#dashboards/web/app/page";
import { pageHead } from "#dashboards/web/app/parts";
import { problemOf } from "#dashboards/web/app/session";
import { backupsCard } from "#dashboards/web/pages/backups";
import { sourceName, systemCard } from "#dashboards/web/pages/systemCard";

const ageOf = (lastSeenMs: number | null, nowMs: number): number | null =>
  lastSeenMs === null ? null : Math.max(0, (nowMs - lastSeenMs) / 1000);

const sourceTable = (status: StatusView, formats: Formats): HTMLElement =>
  h(
    "table",
    { class: "zones-table", "data-table": "sources" },
    h("caption", { class: "visually-hidden" }, t("system.sources")),
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        ...[t("system.source"), t("system.state"), t("system.age"), t("system.newest"), t("system.limit")].map((name) =>
          h("th", { scope: "col" }, name),
        ),
      ),
    ),
    h(
      "tbody",
      {},
      ...status.sources.map(({ name, lastSeenMs, maxAgeS }) => {
        const ageS = ageOf(lastSeenMs, status.nowMs);
        const stale = ageS === null || ageS > maxAgeS;
        return h(
          "tr",
          { "data-source-name": name },
          h("th", { scope: "row" }, sourceName(name)),
          h(
            "td",
            { "data-state": stale ? "stale" : "fresh" },
            h(
              "span",
              { class: `badge tone-${stale ? "warm" : "good"}` },
              icon(stale ? "alert" : "check"),
              stale ? t("system.stale") : t("system.fresh"),
            ),
          ),
          h("td", { "data-value": ageS }, formats.age(ageS)),
          h("td", { "data-value": lastSeenMs }, formats.dayAndClock(lastSeenMs)),
          h("td", { "data-value": maxAgeS }, formats.age(maxAgeS)),
        );
      }),
    ),
  );

const findingWords = {
  ok: { key: "doctor.ok", icon: "check" },
  warning: { key: "doctor.warning", icon: "alert" },
  failed: { key: "doctor.failed", icon: "alert" },
} as const satisfies Readonly<Record<string, { readonly key: MessageKey; readonly icon: IconName }>>;

/** The server gives up after a minute. */
const examineLimitMs = 70_000;

/** Where the data comes from and how old it is, what isotherm is connected to, and what its self-examination finds. */
export const createSystemPage = (context: PageContext): Page => {
  const { formats, session } = context;
  const lead = h("p", { class: "lead", "aria-live": "polite" }, t("loading"));
  const { element: head } = pageHead(t("system.title"), lead);
  const sources = h("div", { class: "table-scroll", tabindex: 0, role: "region", "aria-label": t("system.sources") });
  const facts = systemCard(formats, { title: t("system.connections"), sources: false });
  const findings = h("ul", { "aria-live": "polite" });
  const controller = new AbortController();
  const backups = session.can("admin") ? backupsCard(context) : null;
  const examine = button(
    { class: "button-quiet", "data-action": "examine" },
    () => {
      examine.disabled = true;
      fill(findings, h("li", { class: "empty" }, t("doctor.running")));
      getJson<DoctorView>("doctor", controller.signal, examineLimitMs)
        .then((view) =>
          fill(
            findings,
            ...view.findings.map(({ check, state, text, todo }) =>
              h(
                "li",
                { class: `finding finding-${state}`, "data-finding": check },
                h("strong", {}, icon(findingWords[state].icon), ` ${t(findingWords[state].key)}: ${check}`),
                ` ${text}`,
                todo === "" ? null : h("p", {}, todo),
              ),
            ),
          ),
        )
        .catch((error: unknown) => fill(findings, h("li", { class: "form-problem" }, `${problemOf(error).error} ${problemOf(error).todo}`)))
        .finally(() => {
          examine.disabled = false;
        });
    },
    t("doctor.examine"),
  );
  const element = h(
    "div",
    { class: "page" },
    head,
    h("section", { class: "card" }, h("h2", {}, t("system.sources")), sources),
    h(
      "div",
      { class: "two" },
      facts.element,
      h(
        "section",
        { class: "card" },
        h("div", { class: "card-head" }, h("h2", {}, t("doctor.title")), session.can("operator") ? examine : null),
        h("p", { class: "card-note" }, session.can("operator") ? t("doctor.lead") : t("doctor.needsOperator")),
        findings,
      ),
    ),
    backups?.element,
  );
  const show = (status: StatusView): void => {
    const stale = status.sources.filter(
      ({ lastSeenMs, maxAgeS }) => (ageOf(lastSeenMs, status.nowMs) ?? Number.POSITIVE_INFINITY) > maxAgeS,
    ).length;
    setText(
      lead,
      stale === 0
        ? t("system.allFresh", { count: formats.number(status.sources.length) })
        : t("system.someStale", { stale: formats.number(stale), count: formats.number(status.sources.length) }),
    );
    fill(sources, sourceTable(status, formats));
    facts.show(status);
  };
  return {
    title: t("system.title"),
    element,
    refresh: async (signal) => show(await getJson<StatusView>("status", signal)),
    onStatus: show,
    destroy: () => {
      controller.abort();
      backups?.destroy();
    },
  };
};
