import type { DemandCharge } from "#domain/demandCharge";
import { configurationError } from "#domain/errors";

/** A request to draw less, or at another price, for a time. */
export interface DemandResponseEvent {
  readonly id: string;
  readonly fromMs: number;
  readonly untilMs: number;
  /** Mean power over a step that should not be exceeded, kW; null: none. */
  readonly limitKw: number | null;
  /** What energy costs meanwhile, per kWh; null: as the tariff says. */
  readonly pricePerKwh: number | null;
  readonly by: string;
  readonly reason: string;
}

export interface DemandResponse {
  /** The event that is announced or under way; null where there is none, or it is over. */
  event(nowMs: number): DemandResponseEvent | null;
  /** Takes an event in place of the one before; null ends it. Refused with an `IsothermError` (configuration) where it is over already, ends before it begins or asks for nothing. */
  set(event: DemandResponseEvent | null, nowMs: number): void;
  /** The prices of the coming steps with the event's in those that lie in it; a step counts by its middle. */
  prices(stepEndMs: ArrayLike<number>, stepS: number, tariff: Float64Array, nowMs: number): Float64Array;
  /** While a limit is in force: power up to it costs nothing more, beyond it `pricePerKw`. Otherwise the charge as it is. */
  charge(own: DemandCharge | null, nowMs: number): DemandCharge | null;
  onChange(handler: (event: DemandResponseEvent | null) => void): () => void;
}

/** What a kW beyond the limit costs: so much comfort goes before it, and yet no hard bound that could leave the planner without a plan. */
export const LIMIT_PRICE_PER_KW = 10;

/** Keeps one demand-response event and says what it does to prices and charges; it acts through the planner's costs, never past comfort or limits of setpoints. */
export const createDemandResponse = (initial: DemandResponseEvent | null = null): DemandResponse => {
  let event = initial;
  const handlers = new Set<(event: DemandResponseEvent | null) => void>();
  const change = (to: DemandResponseEvent | null): void => {
    event = to;
    for (const handler of [...handlers]) handler(to);
  };
  const at = (nowMs: number): DemandResponseEvent | null => {
    if (event !== null && event.untilMs <= nowMs) change(null);
    return event;
  };
  return {
    event: at,
    set: (next, nowMs) => {
      if (next !== null) {
        const refuse = (message: string, todo: string): never => {
          throw configurationError(message, { todo });
        };
        if (!(next.untilMs > nowMs)) refuse("the event would have ended already", "Give an end in the future.");
        if (!(next.untilMs > next.fromMs)) refuse("the event ends before it begins", "Give an end after its beginning.");
        if (next.limitKw === null && next.pricePerKwh === null)
          refuse("the event asks for nothing", "Give a limit in kW or a price per kWh.");
        if (next.limitKw !== null && !(next.limitKw >= 0)) refuse(`${next.limitKw} kW is no limit`, "Give a number that is not negative.");
      }
      if (next !== null || event !== null) change(next);
    },
    prices: (stepEndMs, stepS, tariff, nowMs) => {
      const current = at(nowMs);
      const price = current?.pricePerKwh ?? null;
      if (current === null || price === null) return tariff;
      return tariff.map((own, t) => {
        const middleMs = stepEndMs[t]! - stepS * 500;
        return current.fromMs <= middleMs && middleMs < current.untilMs ? price : own;
      });
    },
    charge: (own, nowMs) => {
      const current = at(nowMs);
      if (current === null || current.limitKw === null || nowMs < current.fromMs) return own;
      return { pricePerKw: Math.max(LIMIT_PRICE_PER_KW, own?.pricePerKw ?? 0), peakSoFarW: current.limitKw * 1_000 };
    },
    onChange: (handler) => {
      handlers.add(handler);
      return () => handlers.delete(handler);
    },
  };
};
