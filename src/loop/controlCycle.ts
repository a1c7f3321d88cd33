import type { Decision } from "#domain/plan";
import type { CycleMemory, CycleParts } from "#loop/cycleParts";
import { append, decisionRecord, firstPairs, observe, planRequest, send, zoneDuties } from "#loop/cycleSteps";
import { noQualityMemory } from "#loop/dataQuality";
import { createPlanGuard } from "#loop/planOrRule";
import { withTariff } from "#loop/planRecord";
import { safeSetpoints } from "#loop/safeSetpoints";
import type { ControlMode } from "#loop/supervisor";
import { withdrawFrom } from "#loop/unmeasuredZones";

/**
 * One control decision: observe (and judge what the model said of the step that ended) → forecast → plan (or fall back) → safety envelope → actuate → append. Returns a function to be called once per control
 * interval, never twice at once; it resolves with the decision, or null while the mode is off. It rejects only when `signal` aborts (or, without
 * fallback, when the planner fails): every other failure ends in a safe command and an alarm.
 */
export function createControlCycle(parts: CycleParts): (signal?: AbortSignal) => Promise<Decision | null> {
  const { site, clock, supervisor } = parts;
  const memory: CycleMemory = { quality: noQualityMemory, dangers: new Map(), runs: new Map(), previousPlan: null };
  const guard = createPlanGuard({
    deadlineMs: site.deadlineMs,
    allowFallback: site.allowFallback ?? true,
    onFailure: parts.onError,
  });
  // Asked anew after every wait: a person may have switched. The decision's mode is the busiest zone's.
  const modeNow = (): ControlMode => {
    const modes = site.zones.map((zone) => supervisor.modeOf(zone));
    return modes.includes("auto") ? "auto" : modes.includes("shadow") ? "shadow" : "off";
  };

  return async (signal) => {
    const nowMs = clock.nowMs();
    const seen = await observe(parts, memory, nowMs, signal);
    await parts.monitor?.step(nowMs);
    await parts.commissioning?.step(nowMs);
    parts.regret?.ended(seen.rowMs, seen.trusted.values);
    if (modeNow() === "off") return null;
    const request = await planRequest(parts, memory, seen);
    const { plan, modelVersion } = await parts.planners.use(async (inUse) => ({
      plan: withTariff(await guard.plan(inUse?.planner ?? null, request, signal), request, site, parts.onError),
      modelVersion: inUse?.modelVersion ?? null,
    }));
    signal?.throwIfAborted();
    const mode = modeNow();
    if (mode === "off") return null;
    const duties = zoneDuties(site, seen, request, supervisor.overrides(nowMs));
    const { zones, changes } = await safeSetpoints(
      parts,
      memory,
      seen,
      new Map([...firstPairs(plan), ...duties.overridden]),
      duties,
      nowMs,
    );
    await withdrawFrom(parts, duties.quality, nowMs);
    const command = await send(parts, zones, duties.sourceOf(plan.source), nowMs);
    const decision = decisionRecord({
      command,
      plan,
      modelVersion,
      seen,
      changes,
      zoneSources: duties.zoneSources,
      mode,
      modeOf: supervisor.modeOf,
      forecast: request.forecast,
    });
    memory.previousPlan = plan;
    await append(parts, decision, nowMs);
    parts.regret?.decided(decision);
    parts.probes?.decided(decision);
    parts.keepRequest?.(decision.id, request);
    return decision;
  };
}
