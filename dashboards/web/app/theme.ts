export type Theme = "auto" | "light" | "dark";
const key = "isotherm-theme";
const order: readonly Theme[] = ["auto", "light", "dark"];
const listeners = new Set<() => void>();

export const currentTheme = (): Theme => (document.documentElement.dataset.theme as Theme | undefined) ?? "auto";

const showTheme = (theme: Theme): void => {
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  for (const listener of listeners) listener();
};

export const nextTheme = (): Theme => {
  const next = order[(order.indexOf(currentTheme()) + 1) % order.length]!;
  try {
    if (next === "auto") localStorage.removeItem(key);
    else localStorage.setItem(key, next);
  } catch {
    // Storage is switched off: the choice lasts until the page is closed.
  }
  showTheme(next);
  return next;
};

/** Canvas colours do not follow style sheets by themselves. */
export const onThemeChange = (listener: () => void): (() => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

// Paper is white: printed and saved pages are light, pictures too, whatever the screen shows.
let onScreen: Theme | null = null;
addEventListener("beforeprint", () => {
  onScreen ??= currentTheme();
  showTheme("light");
});
addEventListener("afterprint", () => {
  if (onScreen !== null) showTheme(onScreen);
  onScreen = null;
});

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const listener of listeners) listener();
});
