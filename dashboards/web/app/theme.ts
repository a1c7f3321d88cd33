export type Theme = "auto" | "light" | "dark";
const key = "isotherm-theme";
const order: readonly Theme[] = ["auto", "light", "dark"];
const listeners = new Set<() => void>();

export const currentTheme = (): Theme => (document.documentElement.dataset.theme as Theme | undefined) ?? "auto";

export const nextTheme = (): Theme => {
  const next = order[(order.indexOf(currentTheme()) + 1) % order.length]!;
  if (next === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = next;
  try {
    if (next === "auto") localStorage.removeItem(key);
    else localStorage.setItem(key, next);
  } catch {
    // Storage is switched off: the choice lasts until the page is closed.
  }
  for (const listener of listeners) listener();
  return next;
};

/** Canvas colours do not follow style sheets by themselves. */
export const onThemeChange = (listener: () => void): (() => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const listener of listeners) listener();
});
