import { z } from "zod";
import { createJsonStateWriter, readJsonState } from "#adapters/files/jsonState";
import type { Ground } from "#cli/daemon/ground";
import type { Knowledge } from "#cli/daemon/knowledge";
import type { Traffic } from "#cli/daemon/traffic";
import { type Commissioning, createCommissioning, notCommissioned } from "#loop/commissioning";
import { isProvisional } from "#loop/learnCycle";

const stateSchema = z.object({
  overMs: z.number().nullable(),
  goodSinceMs: z.record(z.string(), z.number()),
  seenMs: z.number().nullable(),
});

/** The first days of a site as its people see them: a note when the model has proved itself, or the switch to auto, and an event for each. */
export const openCommissioning = (ground: Ground, { alarms, supervisor, publisher }: Traffic, knowledge: Knowledge): Commissioning => {
  const { run, zones, data, shutdown, nowMs, onWarning, onError } = ground;
  const { control, learning, site, mqtt } = run.config;
  const file = data.commissioningFile;
  const writer = createJsonStateWriter(file, onError);
  shutdown.add("commissioning", () => writer.settled());
  /** Changes of the mode that isotherm makes by itself are nobody's order. */
  let isOwnChange = false;
  const commissioning = createCommissioning({
    zones,
    goLive: control.goLive,
    monitor: knowledge.models.monitor,
    isProvisional: () => {
      const model = knowledge.rounds?.model ?? null;
      return model === null ? null : isProvisional(model, learning.minDays);
    },
    modes: supervisor,
    setAuto: async (timeMs, reason) => {
      isOwnChange = true;
      try {
        await supervisor.setMode("auto", timeMs);
      } finally {
        isOwnChange = false;
      }
      publisher.setMode(supervisor.mode);
      const text = `${reason} The mode is auto from now on, as control.goLive says.`;
      run.log.info({ audit: "mode", mode: "auto", by: "isotherm" }, text);
      run.say(`Control    ${text}`);
      publisher.publishEvent({ timeMs, kind: "mode", id: "go-live", zone: null, source: null, text });
    },
    ask: (isReady, text, timeMs) =>
      alarms.set(
        isReady,
        {
          id: "ready-for-auto",
          level: "info",
          text,
          action: `Order the mode auto: on the dashboard, with {"id":"…","by":"…","mode":"auto"} on ${mqtt.baseTopic}/${site.id}/mode/set, or with control.mode: auto in the site file.`,
        },
        timeMs,
      ),
    initial: readJsonState(file, stateSchema, notCommissioned, () =>
      onWarning(`${file} is damaged: whether the model has proved itself is judged anew.`),
    ),
    onChange: (state) => writer.write(state),
  });
  const modesNow = (): string => JSON.stringify([supervisor.mode, ...supervisor.zoneModes]);
  let before = modesNow();
  shutdown.add(
    "modes",
    supervisor.onChange(() => {
      const now = modesNow();
      const isOrder = now !== before && !isOwnChange;
      before = now;
      if (isOrder) commissioning.ordered(nowMs());
    }),
  );
  return commissioning;
};
