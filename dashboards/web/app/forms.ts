import { type Child, fill, h, withExtras } from "#dashboards/web/app/dom";
import { icon } from "#dashboards/web/app/icons";
import { problemOf } from "#dashboards/web/app/session";

export interface Field {
  readonly element: HTMLElement;
  readonly input: HTMLInputElement | HTMLSelectElement;
}

let made = 0;

/** A labelled input; what is asked of it stands below and is read out with it. */
export const field = (
  label: string,
  attributes: Readonly<Record<string, string | number | boolean>>,
  hint = "",
): Field & { readonly input: HTMLInputElement } => {
  const id = `field-${made++}`;
  const input = h("input", { id, class: "input", ...(hint === "" ? {} : { "aria-describedby": `${id}-hint` }), ...attributes });
  return {
    input,
    element: h(
      "div",
      { class: "field" },
      h("label", { for: id }, label),
      input,
      hint === "" ? null : h("p", { class: "hint", id: `${id}-hint` }, hint),
    ),
  };
};

export const choiceField = (
  label: string,
  choices: readonly { readonly value: string; readonly text: string }[],
  chosen: string,
): Field & { readonly input: HTMLSelectElement } => {
  const id = `field-${made++}`;
  const input = h(
    "select",
    { id, class: "input" },
    ...choices.map(({ value, text }) => h("option", { value, selected: value === chosen }, text)),
  );
  return { input, element: h("div", { class: "field" }, h("label", { for: id }, label), input) };
};

/** A form that waits for the server: its button rests meanwhile, and what was refused is said, read out, and leaves what was typed. */
export const form = (
  submitText: string,
  fields: readonly Field[],
  submit: () => Promise<string | null>,
  ...extra: readonly Child[]
): HTMLFormElement => {
  const message = h("p", { class: "form-message", role: "status" });
  const button = h("button", { type: "submit", class: "button" }, submitText);
  const run = async (): Promise<void> => {
    button.disabled = true;
    fill(message);
    try {
      const done = await submit();
      message.className = "form-message form-done";
      fill(message, ...(done === null ? [] : [icon("check"), ` ${done}`]));
    } catch (error) {
      const { error: text, todo } = problemOf(error);
      message.className = "form-message form-problem";
      fill(message, icon("alert"), ` ${todo === "" ? text : `${text} ${todo}`}`);
    } finally {
      button.disabled = false;
    }
  };
  return withExtras(h("form", { class: "form" }, ...fields.map(({ element }) => element), ...extra, button, message), {
    on: {
      submit: (event) => {
        event.preventDefault();
        void run();
      },
    },
  });
};
