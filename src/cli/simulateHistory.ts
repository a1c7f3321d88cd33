import type { SimulateOptions } from "#cli/simulateOptions";
import type { SetpointCommand, ZoneSetpoints } from "#domain/setpoints";
import { uniform } from "#math/random";

/** Streams of random numbers of a run's seed that are taken here; the planner counts its own from 0. */
const explorationStream = 2 ** 40;

/**
 * The seeded exploration of the closed-loop protocol: one pair for all zones, heating uniform in 15–22 °C, cooling uniform in 21–30 °C but not below heating,
 * a new pair every 1–4 steps. Returns the pair in force during history step `step` = 0, 1, 2, …; steps are asked for in order.
 */
export function explorationPairs(seed: number): (step: number) => ZoneSetpoints {
  let draw = 0;
  let endsAt = 0;
  let pair: ZoneSetpoints = { heatingSetpointC: 15, coolingSetpointC: 30 };
  const next = (): number => uniform(seed, explorationStream, draw++);
  return (step) => {
    if (step >= endsAt) {
      const heatingSetpointC = 15 + 7 * next();
      const lowestC = Math.max(21, heatingSetpointC);
      pair = { heatingSetpointC, coolingSetpointC: lowestC + (30 - lowestC) * next() };
      endsAt = step + 1 + Math.floor(4 * next());
    }
    return pair;
  };
}

/** The command that is in force during one history step; null: the building's own schedule. */
export function historyCommands(
  options: SimulateOptions,
  zones: readonly string[],
): (step: number, nowMs: number, stepMs: number) => SetpointCommand | null {
  if (options.history !== "explore") return () => null;
  const pairAt = explorationPairs(options.seed);
  return (step, nowMs, stepMs) => {
    const pair = pairAt(step);
    return {
      epoch: 0,
      seq: step + 1,
      issuedAtMs: nowMs,
      validUntilMs: nowMs + stepMs,
      zones: new Map(zones.map((zone) => [zone, pair])),
      source: "schedule",
    };
  };
}
