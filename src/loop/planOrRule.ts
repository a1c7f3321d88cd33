import { IsothermError } from "#domain/errors";
import type { Plan } from "#domain/plan";
import type { Planner, PlanRequest } from "#domain/planner";
import { isFinitePlan, planOfSequence } from "#loop/rulePlan";

export interface PlanGuard {
  /** The planner's plan, or the rule's with the reason why: no planner, late, thrown, not finite. Rejects only when `signal` aborts, or without fallback. */
  plan(planner: Planner | null, request: PlanRequest, signal?: AbortSignal): Promise<Plan>;
}

export interface PlanGuardOptions {
  /** Real time after which the rule decides, ms; Infinity: never. */
  readonly deadlineMs: number;
  /** False: a planner that fails ends the run instead (offline comparisons). Default true. */
  readonly allowFallback?: boolean;
  /** What the planner threw, before the rule takes over. */
  readonly onFailure?: (error: unknown) => void;
}

const late = Symbol("late");

/** Runs a planner against its deadline. While a late one is still computing no other is started: the rule decides until it has ended. */
export function createPlanGuard({ deadlineMs, allowFallback = true, onFailure }: PlanGuardOptions): PlanGuard {
  let stillComputing = false;

  const rule = (request: PlanRequest, fallback: NonNullable<Plan["fallback"]>, why: string): Plan => {
    const sequence = request.rulePlans[0];
    if (!allowFallback || sequence === undefined)
      throw new IsothermError(
        "permanent",
        allowFallback ? `${why}, and there is no rule to fall back to` : `${why}, and this run allows no fallback`,
      );
    return planOfSequence(request, sequence, { source: "rule", fallback, reason: `${why}: ${sequence.name} instead.` });
  };

  return {
    plan: async (planner, request, signal) => {
      if (planner === null) return rule(request, "no-model", "No model has been learned yet");
      if (stillComputing) return rule(request, "late", "The planner is still busy with an earlier decision");
      const cancel = new AbortController();
      const beganMs = performance.now();
      stillComputing = true;
      const computed = Promise.resolve()
        .then(() => planner.plan(request, signal === undefined ? cancel.signal : AbortSignal.any([signal, cancel.signal])))
        .finally(() => {
          stillComputing = false;
        });
      let timer: NodeJS.Timeout | undefined;
      let onAbort: (() => void) | undefined;
      try {
        const result = await Promise.race([
          computed,
          new Promise<typeof late>((resolve, reject) => {
            if (deadlineMs < 2 ** 31) timer = setTimeout(() => resolve(late), deadlineMs);
            onAbort = () => reject(signal?.reason);
            if (signal?.aborted) onAbort();
            else signal?.addEventListener("abort", onAbort, { once: true });
          }),
        ]);
        // A planner that blocks the event loop keeps the timer from firing: what counts is the time it took.
        if (result === late || performance.now() - beganMs > deadlineMs) {
          cancel.abort(new IsothermError("retryable", "the plan is late"));
          return rule(request, "late", `The plan took longer than ${deadlineMs / 1000} s`);
        }
        if (!isFinitePlan(result, request.zones)) return rule(request, "not-finite", "The plan is not finite");
        return result;
      } catch (error) {
        if (signal?.aborted || !allowFallback) throw error;
        const what = error instanceof Error ? error.message : String(error);
        // Nothing to plan from is no fault of the planner's: the decision says it, and the sensors' alarms.
        if (/^stale data/i.test(what)) return rule(request, "stale-data", `Nothing fresh to plan from (${what.slice(0, 200)})`);
        onFailure?.(error);
        return rule(request, "planner-failed", `The planner failed (${what.slice(0, 200)})`);
      } finally {
        clearTimeout(timer);
        if (onAbort !== undefined) signal?.removeEventListener("abort", onAbort);
        computed.catch(() => undefined);
      }
    },
  };
}
