import type { EnergyView, TariffView } from "#dashboards/server/wire";
import { h } from "#dashboards/web/app/dom";
import type { Formats } from "#dashboards/web/app/format";
import { t } from "#dashboards/web/app/i18n";
import { stat } from "#dashboards/web/app/parts";

/** How a figure moved against the time before: "12 % less than before (34.5 kWh)"; empty where there is nothing to compare. */
export const against = (now: number | null, before: number | null, text: (value: number) => string, formats: Formats): string => {
  if (now === null || before === null || before === 0) return "";
  const pct = (100 * (now - before)) / Math.abs(before);
  const amount = text(before);
  if (Math.abs(pct) < 0.5) return t("energy.asBefore", { amount });
  return t(pct > 0 ? "energy.moreThanBefore" : "energy.lessThanBefore", { share: formats.pct(Math.abs(pct)), amount });
};

const joined = (...parts: readonly string[]): string => parts.filter((part) => part !== "").join("; ");

const meanPriceOf = ({ cost, costCoverageFraction, energyKwh }: EnergyView): number | null =>
  cost === null || costCoverageFraction === null || energyKwh === 0 ? null : cost / (energyKwh * costCoverageFraction);

const costNote = ({ cost, costCoverageFraction }: EnergyView, formats: Formats): string => {
  if (costCoverageFraction === null || cost === null) return t("energy.noPrice");
  return costCoverageFraction < 0.995 ? t("stat.pricedShare", { share: formats.pct(costCoverageFraction * 100) }) : t("energy.stepPrice");
};

/** Energy, cost, price, peak, emissions and other meters of a time; beside each, where `before` is given, what it was in the time before. */
export const energyStats = (view: EnergyView, before: EnergyView | null, formats: Formats): readonly HTMLElement[] => {
  const measured = view.power.length > 0;
  const had = before === null || before.power.length === 0 ? null : before;
  const price = meanPriceOf(view);
  const money = (value: number): string => formats.money(value);
  const kwh = (value: number): string => formats.energyKwh(value);
  const kilograms = (value: number): string => `${formats.number(value, value < 10 ? 1 : 0)} kg`;
  const found = [
    stat(
      t("nav.energy"),
      formats.energyKwh(measured ? view.energyKwh : null),
      joined(t("stat.heatingCooling"), against(measured ? view.energyKwh : null, had?.energyKwh ?? null, kwh, formats)),
      { "data-stat": "energy" },
    ),
    stat(
      t("energy.cost"),
      formats.money(view.cost),
      joined(costNote(view, formats), against(view.cost, had?.cost ?? null, money, formats)),
      { "data-stat": "cost" },
    ),
    stat(t("energy.meanPrice"), price === null ? "–" : `${formats.money(price, 3)} ${t("perKwh")}`, t("energy.weighted")),
    stat(
      t("energy.peak"),
      formats.powerKw(view.peakKw),
      joined(
        view.peakMs === null ? "" : formats.dayAndClock(view.peakMs),
        against(view.peakKw, had?.peakKw ?? null, (value) => formats.powerKw(value), formats),
      ),
      { "data-stat": "peak" },
    ),
  ];
  if (view.emissionsKg !== null)
    found.push(
      stat(
        t("energy.emissions"),
        kilograms(view.emissionsKg),
        joined(
          (view.emissionsCoverageFraction ?? 0) < 0.995
            ? t("energy.emissionsShare", { share: formats.pct((view.emissionsCoverageFraction ?? 0) * 100) })
            : t("energy.emissionsNote"),
          against(view.emissionsKg, had?.emissionsKg ?? null, kilograms, formats),
        ),
        { "data-stat": "emissions" },
      ),
    );
  for (const [key, value, old] of [
    ["energy.whole", view.wholeKwh, had?.wholeKwh],
    ["energy.fuel", view.fuelKwh, had?.fuelKwh],
  ] as const)
    if (value !== null) found.push(stat(t(key), formats.energyKwh(value), against(value, old ?? null, kwh, formats), { "data-stat": key }));
  if (before !== null && view.meanOutdoorC !== null && before.meanOutdoorC !== null)
    found.push(
      stat(
        t("energy.outdoors"),
        formats.tempC(view.meanOutdoorC),
        t("energy.outdoorsBefore", { temp: formats.tempC(before.meanOutdoorC) }),
        {
          "data-stat": "outdoors",
        },
      ),
    );
  return found;
};

/** What energy costs now, and what the billing period's peak does. */
export const tariffFacts = (tariff: TariffView | null, formats: Formats): HTMLElement => {
  if (tariff === null || tariff.pricePerKwh === null) return h("p", { class: "empty" }, t("tariff.none"));
  const perKwh = (price: number): string => `${formats.money(price, 3)} ${t("perKwh")}`;
  const { next, carbonKgPerKwh, demandCharge } = tariff;
  const facts: (readonly [string, string])[] = [
    [t("tariff.now"), perKwh(tariff.pricePerKwh)],
    [
      t("tariff.next"),
      next === null ? t("tariff.noNext") : t("tariff.nextAt", { price: perKwh(next.pricePerKwh), time: formats.dayAndClock(next.timeMs) }),
    ],
  ];
  if (carbonKgPerKwh !== null) facts.push([t("tariff.carbon"), `${formats.number(carbonKgPerKwh * 1000)} g CO₂ ${t("perKwh")}`]);
  if (demandCharge === null) facts.push([t("tariff.demand"), t("tariff.noDemand")]);
  else {
    const { pricePerKw, peakKw, cost, peakEndMs, periodStartMs } = demandCharge;
    facts.push(
      [t("tariff.demand"), t("tariff.perKw", { price: formats.money(pricePerKw) })],
      [
        periodStartMs === null ? t("tariff.peakSoFar") : t("tariff.peakSince", { day: formats.day(periodStartMs) }),
        t("tariff.peakCosts", {
          peak: `${formats.powerKw(peakKw)}${peakEndMs === null ? "" : ` (${formats.dayAndClock(peakEndMs)})`}`,
          cost: formats.money(cost),
        }),
      ],
    );
  }
  return h("dl", { class: "facts" }, ...facts.map(([term, value]) => h("div", { class: "fact" }, h("dt", {}, term), h("dd", {}, value))));
};
