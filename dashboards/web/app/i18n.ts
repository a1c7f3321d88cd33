import { currentLanguage, type Language } from "#dashboards/web/app/settings";
import { de } from "#dashboards/web/catalogue/de";
import { en, type MessageKey } from "#dashboards/web/catalogue/en";

export type { MessageKey } from "#dashboards/web/catalogue/en";

export const catalogues: Readonly<Record<Language, Readonly<Record<MessageKey, string>>>> = { en, de };

/** The message in the reader's language, with `{name}` replaced by the parameter of that name. */
export const t = (key: MessageKey, parameters: Readonly<Record<string, string | number>> = {}): string =>
  catalogues[currentLanguage()][key].replace(/\{(\w+)\}/g, (whole, name: string) => String(parameters[name] ?? whole));
