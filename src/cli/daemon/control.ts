import { createRequestJournal, type RequestJournal } from "#adapters/files/requestJournal";
import { type ControlRunner, createControlRunner } from "#cli/daemon/controlRunner";
import { controlSiteOf } from "#cli/daemon/controlSite";
import type { Figures } from "#cli/daemon/figures/figures";
import type { SiteForecasts } from "#cli/daemon/forecasts";
import type { Ground } from "#cli/daemon/ground";
import type { Knowledge } from "#cli/daemon/knowledge";
import { controllingText } from "#cli/daemon/learningRounds";
import type { Past } from "#cli/daemon/past";
import { requestDirectory } from "#cli/daemon/plannerFactory";
import type { Screens } from "#cli/daemon/screens";
import { openCommissioning } from "#cli/daemon/siteCommissioning";
import type { SiteTariff } from "#cli/daemon/siteTariff";
import type { Traffic } from "#cli/daemon/traffic";
import type { Decision } from "#domain/plan";
import { createControlCycle } from "#loop/controlCycle";
import type { ControlSite, TariffOutlook } from "#loop/cycleParts";
import { createProbeLedger, defaultProbeLimits } from "#loop/probeLedger";
import { createRegretMonitor } from "#loop/regretMonitor";

const MINUTE_MS = 60_000;
/** How long a decision waits for the last minute's values of the simulated building, real time. */
const CATCH_UP_MS = 3_000;

export interface Control {
  readonly runner: ControlRunner;
  /** A decision now, or after the one that is under way. */
  decideSoon(): void;
  /** What decisions were made from. */
  readonly journal: RequestJournal;
}

/** The site's prices and demand charge as a demand-response event leaves them. */
const responding = (own: ControlSite, { demandResponse }: Traffic, nowMs: () => number): ControlSite => {
  const respondingTariff = (outlook: TariffOutlook, stepEndMs: Float64Array): TariffOutlook => ({
    ...outlook,
    energyPricePerKwh: demandResponse.prices(stepEndMs, own.stepS, outlook.energyPricePerKwh, nowMs()),
  });
  return {
    ...own,
    pricePerKwh: (stepEndMs) => demandResponse.prices(stepEndMs, own.stepS, own.pricePerKwh(stepEndMs), nowMs()),
    // The record tells what energy costs meanwhile, too.
    ...(own.tariff === undefined ? {} : { tariff: (stepEndMs) => respondingTariff(own.tariff!(stepEndMs), stepEndMs) }),
    demandCharge: (atMs, stepEndMs) => demandResponse.charge(own.demandCharge?.(atMs, stepEndMs) ?? null, atMs),
  };
};

/** What a control cycle needs beside what comes in, what goes out and what is known. */
export interface ControlParts {
  readonly forecasts: SiteForecasts;
  readonly past: Past;
  readonly tariff: SiteTariff;
  readonly screens: Screens;
  readonly figures: Figures;
  readonly publishStates: () => void;
}

/** The control cycle of a site, and everything that is told of its decisions. */
export const createControl = (
  ground: Ground,
  traffic: Traffic,
  knowledge: Knowledge,
  { forecasts, past, tariff, screens: { board, metrics, whatIf }, figures, publishStates }: ControlParts,
): Control => {
  const { run, clock, nowMs, ending, onError } = ground;
  const { config, log } = run;
  const { telemetry } = traffic;
  const { outdoorMean, peak, habits } = past;
  const journal = createRequestJournal(requestDirectory(config));
  const own = controlSiteOf(config, knowledge.deadlineMs, tariff, peak, outdoorMean, habits.presence);
  const onDecision = (decision: Decision): void => {
    const { rounds } = knowledge;
    board.decided(decision);
    const { numSamples, backend, adapter } = decision.plan.diagnostics;
    if (numSamples > 0) knowledge.usedBackend = adapter === undefined ? backend : `${backend} (${adapter})`;
    metrics.decided(decision);
    traffic.watch.decided(decision);
    peak.decided(decision);
    traffic.decisionTopics.publish(decision);
    publishStates();
    if (rounds?.model || !rounds?.isLearning) board.progress("controlling", commissioning.text() ?? controllingText(decision), null);
    log.info(
      {
        decision: decision.id,
        source: decision.source,
        solveMs: Math.round(decision.plan.diagnostics.solveMs),
        samples: decision.plan.diagnostics.numSamples,
        envelope: decision.envelopeChanges.length,
      },
      decision.plan.reason,
    );
  };
  const commissioning = openCommissioning(ground, traffic, knowledge);
  const cycle = createControlCycle({
    site: responding(own, traffic, nowMs),
    clock,
    plant: {
      observe: async () => {
        const tickMs = nowMs();
        if (ground.isDemo) await telemetry.caughtUp(Math.floor(tickMs / MINUTE_MS) * MINUTE_MS, CATCH_UP_MS);
        return telemetry.observe(tickMs);
      },
    },
    forecasts,
    forecastErrors: forecasts.errors,
    planners: knowledge.planners,
    supervisor: traffic.supervisor,
    history: knowledge.history,
    decisions: ground.data.store,
    alarms: traffic.alarms,
    monitor: knowledge.models.monitor,
    commissioning,
    regret: createRegretMonitor(),
    ...(config.planner.probingShare > 0
      ? { probes: createProbeLedger({ ...defaultProbeLimits, share: config.planner.probingShare }) }
      : {}),
    keepRequest: (id, request) => {
      whatIf.remember(id, request);
      void journal.keep(id, request).catch(onError);
    },
    onError,
  });
  const runner = createControlRunner({
    cycle: async (signal) => {
      const beganMs = nowMs();
      // A question about another plan waits; a decision does not.
      whatIf.yieldToControl();
      const decision = await cycle(signal);
      figures.ticked(beganMs);
      return decision;
    },
    onDecision,
  });
  const decideSoon = (): void => void runner.run(ending.signal).catch((error: unknown) => !ending.signal.aborted && onError(error));
  knowledge.outdoorMean = outdoorMean;
  knowledge.presence = habits.presence;
  knowledge.decideSoon = decideSoon;
  return { runner, decideSoon, journal };
};
