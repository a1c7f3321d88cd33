import { DecisionHistory } from "#dashboards/server/decisionHistory";
import type { LocalCalendar } from "#dashboards/server/localTime";
import { createControlSince } from "#dashboards/server/savings/controlSince";
import { type Baseline, savingsView } from "#dashboards/server/savings/savings";
import { type SavingsQuantity, savingsPoint } from "#domain/figures";
import type { TelemetryPoint } from "#domain/points";
import type { AdjustmentStore } from "#domain/savings";
import type { StoreReader } from "#domain/store";

/** Days that were missed are made up for as far back. */
const MOST_DAYS = 31;
const HOUR_MS = 3_600_000;
/** So long after midnight the day's last measurements are stored. */
const SETTLED_MS = HOUR_MS / 4;

/** What each local day saved, as points of the store, once it is over. */
export interface SavingsFigures {
  /** Writes the days up to `nowMs` that it has not yet; does nothing between two midnights. Rejects with what fails. */
  look(nowMs: number): Promise<void>;
}

export interface SavingsFiguresParts {
  readonly reader: StoreReader;
  readonly zones: readonly string[];
  readonly stepS: number;
  readonly calendar: LocalCalendar;
  readonly adjustments: Pick<AdjustmentStore, "load">;
  readonly write: (points: readonly TelemetryPoint[]) => void;
  /** Runs it when it is this site's turn. */
  readonly inTurn: <T>(work: () => Promise<T>) => Promise<T>;
}

/**
 * Savings of whole local days against the regression of the time before control (IPMVP option C), as the dashboard's page has them for one day. A day that does not count
 * (not measured, not in charge, set by hand, beyond the baseline's weather) and a site with too short a time before have no figures.
 */
export const createSavingsFigures = ({
  reader,
  zones,
  stepS,
  calendar,
  adjustments,
  write,
  inTurn,
}: SavingsFiguresParts): SavingsFigures => {
  const controlSince = createControlSince(reader);
  let kept: { readonly sinceMs: number; readonly baseline: Baseline } | null = null;
  let doneToMs = Number.NEGATIVE_INFINITY;
  let againMs = Number.NEGATIVE_INFINITY;
  const dayAfter = (startMs: number): number => calendar.dayStartMs(startMs + 26 * HOUR_MS);

  const writeDays = async (todayMs: number): Promise<void> => {
    const sinceMs = await controlSince(todayMs);
    if (sinceMs === null) return;
    const last = (await reader.latest([savingsPoint("savingsActualKwh")])).get(savingsPoint("savingsActualKwh"));
    const source = {
      reader,
      history: new DecisionHistory(reader, zones),
      calendar,
      stepS,
      keepBaseline: async (since: number, make: () => Promise<Baseline | null>): Promise<Baseline | null> => {
        if (kept?.sinceMs === since) return kept.baseline;
        const baseline = await make();
        kept = baseline === null ? null : { sinceMs: since, baseline };
        return baseline;
      },
    };
    const told = await adjustments.load();
    const firstMs = Math.max(
      calendar.dayStartMs(sinceMs),
      last === undefined ? Number.NEGATIVE_INFINITY : dayAfter(last.timeMs),
      doneToMs,
      calendar.dayStartMs(todayMs - MOST_DAYS * 24 * HOUR_MS),
    );
    for (let dayMs = firstMs; dayMs < todayMs; dayMs = dayAfter(dayMs)) {
      const { fit, total, missing } = await savingsView(source, { fromMs: dayMs, toMs: dayAfter(dayMs) }, "before", sinceMs, told);
      if (missing === "short-baseline") return;
      if (fit === null || total === null) continue;
      const values: Readonly<Record<SavingsQuantity, number>> = {
        savingsBaselineKwh: total.baselineKwh,
        savingsActualKwh: total.actualKwh,
        savingsSavedKwh: total.savedKwh,
        savingsLowKwh: total.savedLowKwh,
        savingsHighKwh: total.savedHighKwh,
        savingsCvRmsePct: fit.cvRmsePct,
        savingsNmbePct: fit.nmbePct,
      };
      write(
        (Object.entries(values) as [SavingsQuantity, number][]).flatMap(([quantity, value]) =>
          Number.isFinite(value) ? [{ timeMs: dayMs, point: savingsPoint(quantity), value }] : [],
        ),
      );
    }
  };

  return {
    look: async (nowMs) => {
      const todayMs = calendar.dayStartMs(nowMs - SETTLED_MS);
      if (todayMs <= doneToMs || nowMs < againMs) return;
      // What fails is tried again after a while, not every minute.
      againMs = nowMs + HOUR_MS;
      await inTurn(() => writeDays(todayMs));
      doneToMs = todayMs;
      againMs = Number.NEGATIVE_INFINITY;
    },
  };
};
