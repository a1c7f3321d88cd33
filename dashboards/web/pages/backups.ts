import type { BackupsView } from "#dashboards/server/wire";
import { getJson } from "#dashboards/web/app/api";
import { askGently } from "#dashboards/web/app/dialog";
import { button, fill, h } from "#dashboards/web/app/dom";
import { t } from "#dashboards/web/app/i18n";
import { icon } from "#dashboards/web/app/icons";
import type { PageContext } from "#dashboards/web/app/page";
import { problemOf } from "#dashboards/web/app/session";
import { plainTable } from "#dashboards/web/pages/plainTable";

const askAgainMs = 2_000;

/** Backups for admins: the newest with time, size and place, and a button that makes one after asking. */
export const backupsCard = ({ formats, session }: PageContext): { readonly element: HTMLElement; destroy(): void } => {
  const controller = new AbortController();
  const note = h("p", { class: "card-note" }, t("loading"));
  const list = h("div", {});
  const message = h("p", { class: "form-message", role: "status" });
  let timer: ReturnType<typeof setTimeout> | undefined;
  let shown: BackupsView | null = null;
  const say = (kind: "done" | "problem" | "running", text: string): void => {
    message.className = `form-message ${kind === "running" ? "" : `form-${kind}`}`;
    fill(message, kind === "running" ? null : icon(kind === "done" ? "check" : "alert"), ` ${text}`);
  };
  const complain = (error: unknown): void => {
    if (controller.signal.aborted) return;
    const { error: text, todo } = problemOf(error);
    say("problem", `${text} ${todo}`);
  };
  const start = button(
    { class: "button-quiet", "data-action": "backup" },
    () => {
      const size = shown?.backups[0]?.bytes;
      const question = size === undefined ? t("backup.confirmFirst") : t("backup.confirm", { size: formats.megabytes(size) });
      void askGently(question, t("backup.start")).then((yes) => {
        if (!yes) return;
        start.disabled = true;
        say("running", t("backup.running"));
        session
          .send<BackupsView>("POST", "backups")
          .then((view) => show(view, true), complain)
          .finally(() => {
            start.disabled = shown?.running === true;
          });
      });
    },
    t("backup.start"),
  );
  start.hidden = true;
  const show = (view: BackupsView, ordered: boolean): void => {
    shown = view;
    start.hidden = view.folder === null;
    start.disabled = view.running;
    fill(note, view.folder === null ? t("backup.noFolder") : t("backup.lead", { folder: view.folder }));
    fill(
      list,
      view.backups.length === 0
        ? view.folder !== null && h("p", { class: "empty" }, t("backup.none"))
        : plainTable(
            "backups",
            t("backup.title"),
            [t("backup.made"), t("backup.size"), t("backup.path")],
            view.backups.map(({ path, createdMs, bytes }) =>
              h(
                "tr",
                { "data-backup": path },
                h("th", { scope: "row", "data-value": createdMs }, formats.wallTime(createdMs)),
                h("td", { "data-value": bytes }, formats.megabytes(bytes)),
                h("td", { class: "path" }, path),
              ),
            ),
          ),
    );
    if (view.running) {
      say("running", t("backup.running"));
      timer = setTimeout(() => load(true), askAgainMs);
    } else if (view.failure !== null) say("problem", view.failure);
    else if (ordered) say("done", t("backup.done"));
  };
  const load = (ordered: boolean): void => {
    getJson<BackupsView>("backups", controller.signal).then((view) => show(view, ordered), complain);
  };
  load(false);
  return {
    element: h("section", { class: "card" }, h("div", { class: "card-head" }, h("h2", {}, t("backup.title")), start), note, list, message),
    destroy: () => {
      clearTimeout(timer);
      controller.abort();
    },
  };
};
