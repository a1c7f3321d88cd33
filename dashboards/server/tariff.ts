import type { TariffView } from "#dashboards/server/wire";
import type { Decision } from "#domain/plan";

const known = (value: number | undefined): number | null => (value !== undefined && Number.isFinite(value) ? value : null);

/** What a decision says of prices: in force in its first step, the next other one of its horizon, carbon intensity, and the peak that is paid for. */
export const tariffView = (decision: Decision | null): TariffView | null => {
  if (decision === null) return null;
  const { pricePerKwh, stepEndMs, stepS, carbonKgPerKwh, demandCharge } = decision.plan;
  const now = known(pricePerKwh[0]);
  const change = pricePerKwh.findIndex((price, t) => t > 0 && Number.isFinite(price) && price !== now);
  return {
    timeMs: decision.timeMs,
    pricePerKwh: now,
    next: now === null || change < 0 ? null : { timeMs: stepEndMs[change]! - stepS * 1000, pricePerKwh: pricePerKwh[change]! },
    carbonKgPerKwh: known(carbonKgPerKwh?.[0]),
    demandCharge:
      demandCharge === undefined
        ? null
        : {
            pricePerKw: demandCharge.pricePerKw,
            peakKw: demandCharge.peakSoFarW / 1000,
            cost: (demandCharge.pricePerKw * demandCharge.peakSoFarW) / 1000,
            peakEndMs: demandCharge.counted?.windowEndMs ?? null,
            periodStartMs: demandCharge.counted?.periodStartMs ?? null,
          },
  };
};
