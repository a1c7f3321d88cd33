/** The only place that makes elements. Text always goes in as text nodes, so that no name or message can become markup. */
export type Child = Node | string | null | undefined | false;

export interface Attributes {
  readonly [name: string]: string | number | boolean | null | undefined;
}

export interface Extras {
  /** Custom properties and sizes, set through the CSSOM: style attributes are not allowed by the content security policy. */
  readonly css?: Readonly<Record<string, string>>;
  readonly on?: { readonly [K in keyof HTMLElementEventMap]?: (event: HTMLElementEventMap[K]) => void };
}

const setAttributes = (element: Element, attributes: Attributes): void => {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    element.setAttribute(name, value === true ? "" : String(value));
  }
};

export const append = (parent: Node, children: readonly Child[]): void => {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    parent.appendChild(typeof child === "string" ? document.createTextNode(child) : child);
  }
};

export const h = <K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] => {
  const element = document.createElement(tag);
  setAttributes(element, attributes);
  append(element, children);
  return element;
};

export const withExtras = <E extends HTMLElement>(element: E, extras: Extras): E => {
  for (const [name, value] of Object.entries(extras.css ?? {})) element.style.setProperty(name, value);
  for (const [name, handler] of Object.entries(extras.on ?? {})) element.addEventListener(name, handler as EventListener);
  return element;
};

export const button = (attributes: Attributes, onClick: () => void, ...children: readonly Child[]): HTMLButtonElement =>
  withExtras(h("button", { type: "button", ...attributes }, ...children), { on: { click: onClick } });

export const svg = (tag: string, attributes: Attributes = {}, ...children: readonly Child[]): SVGElement => {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  setAttributes(element, attributes);
  append(element, children);
  return element;
};

/** Replaces what is in `parent`. */
export const fill = (parent: Element, ...children: readonly Child[]): void => {
  parent.replaceChildren();
  append(parent, children);
};

/** Sets text only where it changed, so that live regions and selections stay quiet. */
export const setText = (element: Element, text: string): void => {
  if (element.textContent !== text) element.textContent = text;
};
