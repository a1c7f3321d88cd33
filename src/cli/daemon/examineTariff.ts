import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { toLocalMsOf } from "#cli/daemon/controlSite";
import type { InputFinding } from "#cli/daemon/examineInputs";
import { createSiteTariff } from "#cli/daemon/siteTariff";
import type { SiteConfig } from "#config/siteConfig";

const DAY_STEPS = 96;

/** Reads the site's sources of prices and carbon intensities once, and says whether they tell of the coming day. Leaves what the daemon keeps of them alone. */
export const examineTariff = async (config: SiteConfig, signal: AbortSignal): Promise<readonly InputFinding[]> => {
  const { prices, intensities } = config.planner.tariff;
  const named = [
    { id: "energy-prices", check: "Energy prices", source: prices },
    { id: "carbon-intensities", check: "Carbon intensities", source: intensities },
  ].flatMap(({ source, ...one }) => (source === null ? [] : [{ ...one, source }]));
  if (named.length === 0) return [];
  const folder = mkdtempSync(join(tmpdir(), "isotherm-doctor-"));
  const troubles = new Map<string, { readonly text: string; readonly action: string }>();
  try {
    const tariff = await createSiteTariff({
      config: { ...config, store: { ...config.store, directory: folder } },
      toLocalMs: toLocalMsOf(config),
      nowMs: Date.now,
      alarms: {
        set: async (stands, { id, text, action }) => {
          if (stands) troubles.set(id, { text, action });
        },
      },
      onError: () => undefined,
      signal,
    });
    await tariff.refresh();
    const { stepS } = config.control;
    const beginMs = Math.floor(Date.now() / (stepS * 1000)) * stepS * 1000;
    const steps = Math.ceil((DAY_STEPS * 900) / stepS);
    await tariff.check(Array.from({ length: steps }, (_, t) => beginMs + (t + 1) * stepS * 1000));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return named.map(({ id, check, source }) => {
    const trouble = troubles.get(id);
    const where = source.file ?? new URL(source.url!.replace(/\{\w+\}/g, "0")).host;
    return { check, text: `${where} tells of the coming day`, trouble: trouble?.text ?? null, todo: trouble?.action ?? "" };
  });
};
