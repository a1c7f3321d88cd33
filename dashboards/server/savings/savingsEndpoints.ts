import { randomUUID } from "node:crypto";
import { type Endpoint, endpoint } from "#dashboards/server/endpoint";
import { bodyInputs, pathInputs, queryInputs, resolveRange } from "#dashboards/server/input";
import type { AuditLog } from "#dashboards/server/people/audit";
import { ProblemError } from "#dashboards/server/problems";
import { createControlSince } from "#dashboards/server/savings/controlSince";
import { savingsView } from "#dashboards/server/savings/savings";
import { answers } from "#dashboards/server/schemas";
import type { ViewContext } from "#dashboards/server/views";
import type { AdjustmentStore, SavingsAdjustment } from "#domain/savings";

const dayMs = 86_400_000;

/** Savings, and the log of adjustments to their baseline. */
export const savingsEndpoints = (
  context: ViewContext,
  store: AdjustmentStore | null,
  audit: AuditLog,
  wallMs: () => number,
): readonly Endpoint[] => {
  const controlSince = createControlSince(context.reader);
  const endpoints = [
    endpoint(
      {
        method: "get",
        path: "/savings",
        id: "savings",
        summary: "Energy saved against a baseline, with its uncertainty (IPMVP option C)",
        access: "viewer",
        query: queryInputs.savings,
        answer: answers.savings,
      },
      async ({ query: { method, ...range }, request }) =>
        savingsView(
          { reader: context.reader, history: context.history, calendar: context.calendar, stepS: context.status().tickIntervalS },
          resolveRange(range, context.nowMs(), 30 * dayMs, 92, request.path),
          method,
          await controlSince(context.nowMs()),
          (await store?.load()) ?? [],
        ),
    ),
  ];
  if (store === null) return endpoints;
  // One change at a time: each reads the whole list and writes it again.
  let pending: Promise<unknown> = Promise.resolve();
  const change = <T>(work: (before: readonly SavingsAdjustment[]) => Promise<T>): Promise<T> => {
    const run = pending.then(async () => work(await store.load()));
    pending = run.catch(() => undefined);
    return run;
  };
  return [
    ...endpoints,
    endpoint(
      {
        method: "post",
        path: "/savings/adjustments",
        id: "adjustSavings",
        summary: "Add to the baseline of some days what the building has come to use for other reasons",
        access: "admin",
        body: bodyInputs.adjustment,
        answer: answers.adjustment,
        status: 201,
      },
      ({ request, who, body }) =>
        audit.change(
          request,
          who,
          { action: "savings.adjust", target: `${body.first}/${body.last}`, detail: `${body.kwhPerDay} kWh a day: ${body.reason}` },
          () =>
            change(async (before) => {
              const made: SavingsAdjustment = { id: randomUUID(), ...body, by: who.name, timeMs: wallMs(), withdrawn: null };
              await store.save([...before, made]);
              return made;
            }),
        ),
    ),
    endpoint(
      {
        method: "delete",
        path: "/savings/adjustments/:id",
        id: "withdrawAdjustment",
        summary: "Withdraw an adjustment; it stays in the log",
        access: "admin",
        params: pathInputs.id,
        answer: answers.adjustment,
        refusals: { 404: "There is no such adjustment" },
      },
      ({ request, who, params: { id } }) =>
        audit.change(request, who, { action: "savings.withdraw", target: id, detail: "" }, () =>
          change(async (before) => {
            const found = before.find((one) => one.id === id);
            if (found === undefined)
              throw new ProblemError(404, "There is no such adjustment.", `adjustment ${id}`, "Load the page again.");
            const withdrawn = { ...found, withdrawn: found.withdrawn ?? { by: who.name, timeMs: wallMs() } };
            await store.save(before.map((one) => (one.id === id ? withdrawn : one)));
            return withdrawn;
          }),
        ),
    ),
  ];
};
