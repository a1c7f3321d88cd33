import type { Plan } from "#domain/plan";
import type { PlanRequest } from "#domain/planner";
import type { ControlSite, TariffOutlook } from "#loop/cycleParts";

const same = (one: readonly number[], other: readonly number[]): boolean =>
  one.length === other.length && one.every((value, t) => value === other[t]);

/**
 * The plan with what its record says of money: the bill's prices (and, where they differ, what the planner weighed), carbon intensities, the peak so far, and in the reason what had to be assumed of them.
 * A tariff that cannot be told leaves the plan as it is.
 */
export const withTariff = (plan: Plan, request: PlanRequest, site: ControlSite, onError: (error: unknown) => void): Plan => {
  const { demandCharge } = request;
  const recorded: Plan = demandCharge === undefined ? plan : { ...plan, demandCharge };
  if (site.tariff === undefined) return recorded;
  let outlook: TariffOutlook;
  try {
    outlook = site.tariff(Float64Array.from(plan.stepEndMs));
  } catch (error) {
    onError(error);
    return recorded;
  }
  const pricePerKwh = [...outlook.energyPricePerKwh];
  return {
    ...recorded,
    pricePerKwh,
    ...(same(pricePerKwh, plan.pricePerKwh) ? {} : { weighedPerKwh: plan.pricePerKwh }),
    ...(outlook.carbonKgPerKwh === null ? {} : { carbonKgPerKwh: [...outlook.carbonKgPerKwh] }),
    ...(outlook.notes.length === 0 ? {} : { notes: outlook.notes }),
    reason: [plan.reason, ...outlook.notes].join(" "),
  };
};
