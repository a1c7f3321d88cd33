/** What a reader chose for this browser. Without a choice the browser's own language and the Celsius scale hold. */
export type Language = "en" | "de";
export type TempUnit = "C" | "F";
export const languages: readonly Language[] = ["en", "de"];

const read = (key: string): string | null => {
  try {
    return localStorage.getItem(key);
  } catch {
    // Storage is switched off: nothing was chosen.
    return null;
  }
};
const write = (key: string, value: string): void => {
  try {
    localStorage.setItem(key, value);
  } catch {
    // Storage is switched off: the choice cannot be kept.
  }
};

const isLanguage = (text: string | null): text is Language => text === "en" || text === "de";

/** Language of the words; of dates and numbers too, in the browser's own kind of it (en-GB, de-CH). */
export const currentLanguage = (): Language => {
  const chosen = read("isotherm-language");
  if (isLanguage(chosen)) return chosen;
  const own = navigator.language.slice(0, 2).toLowerCase();
  return isLanguage(own) ? own : "en";
};
export const currentLocale = (): string =>
  navigator.language.toLowerCase().startsWith(currentLanguage()) ? navigator.language : currentLanguage();
export const chooseLanguage = (language: Language): void => write("isotherm-language", language);

export const currentTempUnit = (): TempUnit => (read("isotherm-temperature") === "F" ? "F" : "C");
export const chooseTempUnit = (unit: TempUnit): void => write("isotherm-temperature", unit);

/** What a person typed, in °C and K. */
export const tempToC = (value: number, unit: TempUnit): number => (unit === "F" ? (value - 32) / 1.8 : value);
export const diffToC = (value: number, unit: TempUnit): number => (unit === "F" ? value / 1.8 : value);
