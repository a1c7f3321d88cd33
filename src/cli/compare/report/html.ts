/** Text that is HTML already. */
export interface Html {
  readonly html: string;
}
export type HtmlPart = Html | string | number | null | false | readonly HtmlPart[];

const escapes: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => escapes[character]!);

const rendered = (part: HtmlPart): string => {
  if (part === null || part === false) return "";
  if (typeof part === "string") return escapeHtml(part);
  if (typeof part === "number") return String(part);
  return Array.isArray(part) ? part.map(rendered).join("") : (part as Html).html;
};

/** HTML from a template; everything put in is escaped, except other HTML. */
export const html = (strings: TemplateStringsArray, ...parts: readonly HtmlPart[]): Html => ({
  html: strings.reduce((text, literal, i) => text + literal + (i < parts.length ? rendered(parts[i]!) : ""), ""),
});
/** Text of our own that needs no escaping: style sheets and path data. */
export const raw = (text: string): Html => ({ html: text });
