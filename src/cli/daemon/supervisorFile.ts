import { readFileSync } from "node:fs";
import { z } from "zod";
import { atomicWrite } from "#adapters/files/atomicWrite";
import type { ControlMode, Supervisor, SupervisorState } from "#loop/supervisor";

const setpoints = z.object({ heatingSetpointC: z.number(), coolingSetpointC: z.number() });
const stateSchema = z.object({
  /** Mode of the site file when this was written: a person who changes it there means it. */
  configuredMode: z.enum(["auto", "shadow", "off"]),
  mode: z.enum(["auto", "shadow", "off"]),
  zoneModes: z.record(z.string(), z.enum(["auto", "shadow", "off"])).default({}),
  overrides: z.array(
    z.object({
      zone: z.string(),
      setpoints,
      sinceMs: z.number(),
      untilMs: z.number().nullable(),
      by: z.string(),
      reason: z.string().exactOptional(),
    }),
  ),
});

/** What people ordered before a restart: modes and overrides. Numbers of commands begin anew with every epoch. */
export const readSupervisorFile = (
  file: string,
  configuredMode: ControlMode,
  onWarning: (text: string) => void,
): Partial<SupervisorState> => {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    return { mode: configuredMode };
  }
  try {
    const state = stateSchema.parse(JSON.parse(text));
    const { overrides } = state;
    return state.configuredMode === configuredMode
      ? { mode: state.mode, zoneModes: state.zoneModes, overrides }
      : { mode: configuredMode, overrides };
  } catch {
    onWarning(`${file} is damaged: mode and overrides of before the restart are lost.`);
    return { mode: configuredMode };
  }
};

/** Keeps the file as the supervisor is; one write at a time, the newest state last. Returns the end of it, after the last write. */
export const keepSupervisorFile = (
  file: string,
  configuredMode: ControlMode,
  supervisor: Supervisor,
  onError: (error: unknown) => void,
): (() => Promise<void>) => {
  let wanted: string | null = null;
  let written = "";
  let running: Promise<void> = Promise.resolve();
  const write = async (): Promise<void> => {
    while (wanted !== null && wanted !== written) {
      const text = wanted;
      try {
        await atomicWrite(file, text, { mode: 0o600 });
      } catch (error) {
        onError(error);
      }
      written = text;
    }
  };
  const stop = supervisor.onChange(({ mode, zoneModes, overrides }) => {
    wanted = JSON.stringify({ configuredMode, mode, zoneModes, overrides });
    running = running.then(write);
  });
  return async () => {
    stop();
    await running;
  };
};
