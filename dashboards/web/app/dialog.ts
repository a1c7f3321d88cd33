import { button, h, withExtras } from "#dashboards/web/app/dom";
import { field } from "#dashboards/web/app/forms";
import { t } from "#dashboards/web/app/i18n";

/** Asks in a modal dialog; `withReason` also takes a sentence. Resolves with that sentence ("" without one), or null where it was closed. The focus goes back to where it was. */
const ask = (question: string, confirmText: string, withReason: boolean, danger: boolean): Promise<string | null> =>
  new Promise((resolve) => {
    const reason = withReason ? field(t("model.why"), { maxlength: 500, autocomplete: "off", required: true, pattern: ".*\\S.*" }) : null;
    const confirm = h("button", { type: "submit", class: danger ? "button button-dangerous" : "button" }, confirmText);
    const dialog = h("dialog", { class: "dialog", "aria-labelledby": "dialog-question" });
    const cancel = button({ class: "button-quiet" }, () => dialog.close(), t("dialog.cancel"));
    let answer: string | null = null;
    const form = withExtras(
      h(
        "form",
        { class: "form" },
        h("p", { class: "dialog-question", id: "dialog-question" }, question),
        reason?.element,
        h("div", { class: "row-actions" }, confirm, cancel),
      ),
      {
        on: {
          submit: (event) => {
            event.preventDefault();
            answer = reason?.input.value.trim() ?? "";
            dialog.close();
          },
        },
      },
    );
    dialog.append(form);
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(answer);
    });
    // Another page was opened behind it: the question is no longer about what is shown.
    window.addEventListener("hashchange", () => dialog.close(), { once: true });
    document.body.append(dialog);
    dialog.showModal();
    // What cannot be undone is not one key away.
    (reason?.input ?? (danger ? cancel : confirm)).focus();
  });

/** Why something is done, to be written down; null where nothing is to be done after all. */
export const askReason = (question: string, confirmText: string): Promise<string | null> => ask(question, confirmText, true, false);

/** Whether something that takes nothing away is to be done. */
export const askGently = async (question: string, confirmText: string): Promise<boolean> =>
  (await ask(question, confirmText, false, false)) !== null;

/** Whether something that cannot be undone is to be done. */
export const askWhether = async (question: string, confirmText: string): Promise<boolean> =>
  (await ask(question, confirmText, false, true)) !== null;
