import { expect, it } from "vitest";
import { createWatch } from "#cli/daemon/watch";
import { createMppiPlanner } from "#controllers/mppi/mppiPlanner";
import type { Decision, Plan } from "#domain/plan";
import type { ComputedBy } from "#domain/rollout";
import type { Alarm } from "#domain/store";
import { createAlarmBoard } from "#loop/alarmBoard";
import { FakeRollout, fakeModel, officeRequest, quickZone } from "../fixtures/thermostatBuilding.js";

/** A rollout that says what computed it, as one on a device does. */
const planComputedBy = async (by: ComputedBy): Promise<Plan> => {
  const rollout = new FakeRollout([quickZone("a")]);
  const named = { run: rollout.run.bind(rollout), computedBy: () => by, close: () => undefined };
  return createMppiPlanner({ rollout: named, model: fakeModel(["a"]), options: { numSamples: 20 } }).plan(officeRequest({ zones: ["a"] }));
};
const onGpu: ComputedBy = { backend: "webgpu", adapter: "Some GPU", trouble: null };
const onBlas: ComputedBy = { backend: "blas", adapter: null, trouble: "Some GPU was lost: it fell off the bus" };

it("a graphics processor that is lost raises one alarm, which its return clears", async () => {
  const stored: Alarm[] = [];
  const alarms = createAlarmBoard({
    store: { putAlarm: async (alarm) => void stored.push(alarm) },
    onError: (error) => expect.fail(String(error)),
  });
  const watch = createWatch({
    alarms,
    // Deciding asks nothing of the sensors.
    intake: { snapshot: () => ({ points: [] }) } as unknown as Parameters<typeof createWatch>[0]["intake"],
    nowMs: () => 1,
    brokerConnected: () => true,
    brokerUrl: "mqtt://broker",
    freeBytes: async () => 1e12,
    clock: null,
  });
  const decide = async (by: ComputedBy): Promise<Plan> => {
    const plan = await planComputedBy(by);
    watch.decided({ plan } as Decision);
    await new Promise((resolve) => setImmediate(resolve));
    return plan;
  };

  expect((await decide(onGpu)).diagnostics).toMatchObject({ backend: "webgpu", adapter: "Some GPU" });
  expect(stored).toEqual([]);
  const lost = await decide(onBlas);
  expect(lost.source).toBe("mppi");
  expect(lost.diagnostics).toMatchObject({ backend: "blas", backendTrouble: onBlas.trouble });
  expect("adapter" in lost.diagnostics).toBe(false);
  await decide(onBlas);
  await decide(onBlas);
  expect(stored.map(({ id, level, clearedMs }) => [id, level, clearedMs])).toEqual([["gpu-lost", "warning", null]]);
  expect(stored[0]!.text).toMatch(/computed by blas.*fell off the bus/);
  await decide(onGpu);
  expect(stored.map(({ clearedMs }) => clearedMs)).toEqual([null, 1]);
});
